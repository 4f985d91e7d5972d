"""Say what an audit of the published run would cost and bring, or has brought; begin it, look at it, end it."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from labeling import accepting
from labeling.management import finding


class Command(BaseCommand):
    help = "What the classifier may decide: what an audit would cost and bring, what it has come to, what is certified."

    def add_arguments(self, parser):
        parser.add_argument("project", help="the project's slug")
        deeds = parser.add_mutually_exclusive_group()
        deeds.add_argument("--begin", action="store_true", help="audit the published run, if that pays")
        deeds.add_argument("--look", action="store_true", help="wait no longer: what is undecided counts as wrong")
        deeds.add_argument("--more", type=int, metavar="ITEMS", help="audit so many further items")
        deeds.add_argument("--end", metavar="REASON", help="end the audit and withdraw its certificate")

    def handle(self, *, project, begin, look, more, end, **options):
        project, now = finding.project(project), timezone.now()
        try:
            if begin:
                accepting.begin(project, now)
            elif look:
                accepting.look_now(project, now)
            elif more:
                accepting.go_on(project, max(1, more))
            elif end:
                accepting.end(project, end, now)
        except accepting.CannotAudit as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write("\n".join(told(accepting.outlook(project))))


def told(outlook: accepting.Outlook) -> list[str]:
    lines = []
    if outlook.audit:
        audit, case = outlook.audit, outlook.case
        drawn = f": {len(case.decided[0]):,} of {len(case.places):,} drawn are decided" if case else ""
        lines.append(f"Audit of run {audit.run.number}, {audit.get_state_display().lower()}{drawn}. {audit.reason}")
    if one := outlook.certificate:
        lines.append(
            f"Certificate {one.pk}: {one.accepted:,} items of confidence {one.threshold:.4f} or more are accepted; at "
            f"most {one.bound:.1%} of them are wrong, with {one.confidence:.1%} confidence "
            f"({one.wrong:,} of {one.audited:,} audited were)."
        )
    else:
        lines.append("Nothing is accepted.")
    return [*lines, outlook.plan.reason if outlook.plan else outlook.refusal]
