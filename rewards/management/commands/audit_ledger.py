"""`manage.py audit_ledger`: recompute every balance from the rows and say whether the books are right."""

from django.core.management.base import BaseCommand, CommandError

from rewards.auditing import audit


class Command(BaseCommand):
    help = "Recompute the whole ledger from its rows; exits with 1 and names each difference if it does not add up."

    def handle(self, **options):
        found = audit()
        self.stdout.write(table(found.figures))
        if found.differences:
            self.stdout.write("")
            for difference in found.differences:
                self.stdout.write(str(difference))
            raise CommandError(
                f"The ledger does not add up: {said(len(found.differences), 'difference')}, named above."
            )
        self.stdout.write(
            f"\nThe ledger adds up: {said(len(found.figures), 'budget')}, {said(found.transfers, 'transfer')}."
        )


def said(number, noun) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def table(figures) -> str:
    titles = ("Budget", "funded", "= available", "+ reserved", "+ spent", "")
    rows = [
        (str(budget), *(f"{n:,}" for n in (f.funded, f.available, f.reserved, f.spent)), budget.currency)
        for budget, f in figures.items()
    ]
    widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(len(titles))]
    return "\n".join(_line(row, widths) for row in [titles, *rows])


def _line(row, widths):
    name, *amounts, currency = row
    aligned = [amount.rjust(width) for amount, width in zip(amounts, widths[1:], strict=False)]
    return "  ".join([name.ljust(widths[0]), *aligned, currency]).rstrip()
