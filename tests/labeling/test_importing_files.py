"""Importing images and sounds: from folders and zips, whole or not at all, and no file can do harm."""

import io
import struct
import zipfile

import pytest
from django.core.files.storage import default_storage

from labeling.importing import import_file, import_folder, import_rows, import_zip
from labeling.models import Item
from labeling.opening import Refused
from tests.bringing import a_picture, a_sound, a_zip, cells, reasons, stored_files
from tests.making import a_project, a_worker, now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


def test_a_folder_of_images_becomes_items_named_by_their_paths(tmp_path, storage):
    folder = tmp_path / "birds"
    (folder / "north").mkdir(parents=True)
    (folder / "north" / "one.png").write_bytes(a_picture())
    (folder / "two.jpg").write_bytes(a_picture(kind="JPEG"))
    (folder / ".DS_Store").write_bytes(b"\0\0\0")
    (folder / "known.csv").write_text("id,category,gold\nnorth/one.png,cat,\ntwo.jpg,,dog\nthree.png,cat,\n")
    project = a_project(media="image")
    report = import_folder(project, folder)
    assert (report.created, report.known, report.gold) == (2, 1, 1)
    assert [item.identifier for item in project.items.all()] == ["north/one.png", "two.jpg"]
    assert reasons(report) == {4: "There is no item “three.png” yet, and the row brings no image."}
    with default_storage.open(project.items.first().content.name) as file:
        assert file.read() == a_picture()
    assert import_folder(project, folder).existing == 2
    assert len(stored_files(storage)) == 2


def test_a_stored_name_tells_the_type_and_nothing_else(storage):
    project = a_project(media="image")
    import_zip(project, a_zip({"secret/plan.jpg": a_picture()}))
    (file,) = stored_files(storage)
    assert file.suffix == ".png"
    assert "plan" not in str(file)
    assert len(file.stem) == 32


def test_known_answers_lie_beside_the_files_of_a_zip():
    project = a_project(media="image")
    files = {"pictures/a.png": a_picture(), "pictures/known.csv": "id,category\na.png,dog\n", "__MACOSX/x.png": b"junk"}
    report = import_file(project, a_zip(files), name="pictures.zip")
    assert (report.created, report.known, report.refused) == (1, 1, [])
    assert cells(project) == [("pictures/a.png", "dog", 1)]


def test_sounds_are_imported_and_silent_files_are_not():
    project = a_project(media="audio")
    files = {"a.wav": a_sound(), "b.wav": a_sound(0), "c.wav": b"RIFF", "d.wav": a_picture()}
    report = import_zip(project, a_zip(files))
    assert project.items.get().identifier == "a.wav"
    assert list(reasons(report)) == [2, 3, 4]
    assert reasons(report)[2] == "“b.wav”: The file holds no sound."


def test_broken_images_are_named_and_leave_no_file_behind(storage):
    project = a_project(media="image")
    files = {
        "good.png": a_picture(),
        "cut.png": a_picture(size=(64, 64))[:-30],
        "text.png": b"this is a text",
        "empty.png": b"",
        "script.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    }
    report = import_zip(project, a_zip(files))
    assert project.items.get().identifier == "good.png"
    assert list(reasons(report)) == [2, 3, 4, 5]
    assert reasons(report)[2] == "“cut.png”: The image is damaged or cut short."
    assert "This is not an image" in reasons(report)[3]
    assert len(stored_files(storage)) == 1


@pytest.mark.parametrize("path", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "..\\evil.png", "C:/evil.png"])
def test_a_path_out_of_the_zip_is_refused(path, storage, tmp_path):
    project = a_project(media="image")
    report = import_zip(project, a_zip({path: a_picture(), "good.png": a_picture()}))
    assert project.items.get().identifier == "good.png"
    assert "Its path leads out of the zip." in reasons(report)[1]
    assert not list(tmp_path.rglob("*evil*"))


def test_a_zip_bomb_is_not_unpacked():
    project = a_project(media="image")
    report = import_zip(project, a_zip({"bomb.png": b"\0" * 50_000_000, "good.png": a_picture()}))
    assert project.items.get().identifier == "good.png"
    assert reasons(report) == {1: "“bomb.png”: It unpacks to more than 300 times its size, as only a zip bomb does."}


def test_a_zip_whose_files_overlap_is_refused():
    file = a_zip({f"{at}.png": a_picture(size=(200, 200)) for at in range(3)}, zipfile.ZIP_STORED)
    with zipfile.ZipFile(file) as archive:
        first = archive.infolist()[0]
        for info in archive.infolist():
            info.header_offset, info.compress_size = first.header_offset, archive.start_dir
        data = io.BytesIO(file.getvalue())
        with zipfile.ZipFile(data, "a") as forged:
            forged.filelist, forged._didModify = archive.infolist(), True
    project = a_project(media="image")
    with pytest.raises(Refused, match="overlap"):
        import_zip(project, data)


def test_a_damaged_member_costs_only_itself():
    file = a_zip({"a.png": a_picture(size=(200, 200)), "b.png": a_picture()}, zipfile.ZIP_STORED)
    data = bytearray(file.getvalue())
    data[60] ^= 0xFF  # inside the first file: its checksum no longer fits
    project = a_project(media="image")
    report = import_zip(project, io.BytesIO(data))
    assert project.items.get().identifier == "b.png"
    assert list(reasons(report)) == [1]


def test_a_member_without_a_name_is_refused():
    data = a_zip({"a": a_picture(), "b.png": a_picture()}).getvalue()
    at = data.index(b"PK\x01\x02")  # its entry in the directory: 46 bytes, then a name of one letter
    nameless = data[: at + 28] + b"\0\0" + data[at + 30 : at + 46] + data[at + 47 :]
    end = nameless.index(b"PK\x05\x06")
    size = struct.unpack_from("<I", nameless, end + 12)[0] - 1
    nameless = nameless[: end + 12] + struct.pack("<I", size) + nameless[end + 16 :]
    report = import_zip(a_project(media="image"), io.BytesIO(nameless))
    assert (report.created, reasons(report)) == (1, {1: "The row has no id."})


def test_a_zip_cut_short_is_refused():
    data = a_zip({"a.png": a_picture()}).getvalue()[:-20]
    with pytest.raises(Refused, match="The zip cannot be read"):
        import_zip(a_project(media="image"), io.BytesIO(data))


def test_the_known_answers_beside_files_are_as_suspicious_as_any_table():
    project = a_project(media="image")
    table = "id,category\na.png,unicorn\nb.png,dog\nb.png,cat\nc.png,cat,more\n"
    files = {"a.png": a_picture(), "b.png": a_picture(), "known.csv": table, "empty.csv": "", "odd.csv": "x\ny\n"}
    report = import_zip(project, a_zip(files))
    assert cells(project) == [("b.png", "dog", 1)]
    said = " ".join(reason for _, reason in report.refused)
    assert "no category “unicorn”" in said
    assert "name “b.png” twice" in said
    assert "“known.csv”: The row has 3 fields" in said
    assert "“empty.csv”: The first line names no column “id”" in said


def test_a_row_cannot_name_a_file_of_the_server(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(a_picture())
    project = a_project(media="image")
    report = import_rows(project, [{"id": "a", "content": str(secret)}, {"id": "b", "path": str(secret)}])
    assert list(reasons(report)) == [1, 2]
    assert not project.items.exists()


def test_files_do_not_fit_a_project_of_texts(tmp_path):
    project = a_project()
    with pytest.raises(Refused, match="come as CSV or JSON Lines"):
        import_folder(project, tmp_path)
    with pytest.raises(Refused, match="cannot be read"):
        import_file(project, tmp_path / "missing.csv")


def test_what_is_no_plain_file_is_not_opened(tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "dangling.png").symlink_to(tmp_path / "nothing")
    report = import_folder(a_project(media="image"), folder)
    assert reasons(report) == {1: "“dangling.png”: This is no plain file."}


def test_an_item_that_appears_while_its_content_is_checked_is_not_stored_twice(monkeypatch, storage):
    project = a_project(media="image")

    def meanwhile():
        import_rows(project, [{"id": "a", "content": a_picture()}])
        return a_picture()

    report = import_rows(project, [{"id": "a", "content": meanwhile}])
    assert (report.created, report.existing) == (0, 1)
    assert Item.objects.count() == len(stored_files(storage)) == 1


def test_workers_are_asked_about_what_was_imported():
    from labeling import asking, selecting

    project = a_project(gold_share=0.0)
    import_rows(project, [{"id": at, "text": f"text {at}"} for at in range(5)])
    selecting.refill(project, random_state=0)
    assignment = asking.next_assignment(a_worker(project), now=now())
    assert assignment.query.item_list[0].text.startswith("text ")
