"""Reports of an evaluation as files: sections, tables, a gallery, a page."""

from matting.evaluation.report.sections import Figure, Findings, Section, sections
from matting.evaluation.report.tables import Table, difference_tables, label_tables, method_tables, to_markdown
from matting.evaluation.report.writing import protocol_facts, write_report

__all__ = [
    "Figure",
    "Findings",
    "Section",
    "Table",
    "difference_tables",
    "label_tables",
    "method_tables",
    "protocol_facts",
    "sections",
    "to_markdown",
    "write_report",
]
