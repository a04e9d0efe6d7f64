"""Checks of a data set on disk: is it complete, readable and plausible?"""

from matting.data.verify.formats import FORMATS, Format, find_format
from matting.data.verify.inspection import Inspection, inspect_item
from matting.data.verify.report import Report, SplitSummary, verify

__all__ = ["FORMATS", "Format", "Inspection", "Report", "SplitSummary", "find_format", "inspect_item", "verify"]
