"""What the classifier may decide by itself now: the certificate that stands, and the items accepted under it."""

import numpy as np

from labeling import arrays
from labeling.models import Certificate, Project, Query, QueryItem


def standing(project: Project) -> Certificate | None:
    return Certificate.objects.standing().filter(project=project).select_related("run", "audit").first()


def places(certificate: Certificate) -> np.ndarray:
    """(rows,) bool by array row: the accepted items, without what was audited since the certificate was made."""
    mask = np.array(arrays.load(certificate.items))
    audits = QueryItem.objects.filter(query__run=certificate.run_id, query__purpose=Query.Purpose.AUDIT)
    mask[list(audits.values_list("item__row", flat=True))] = False
    return mask


def accepted(project: Project, rows: np.ndarray) -> np.ndarray:
    """(n,) bool: which of the items at these array rows the classifier decides."""
    certificate, found = standing(project), np.zeros(len(rows), bool)
    if certificate is not None:
        mask = places(certificate)
        seen = rows < len(mask)
        found[seen] = mask[rows[seen]]
    return found
