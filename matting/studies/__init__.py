"""Studies: comparisons of many training runs, as CSV files with all scores and a page made of these files alone."""

from matting.studies.convergence import steps_to_reach
from matting.studies.gather import find_runs, gather
from matting.studies.study import Study, read_study, write_study
from matting.studies.tables import study_markdown

__all__ = ["Study", "find_runs", "gather", "read_study", "steps_to_reach", "study_markdown", "write_study"]
