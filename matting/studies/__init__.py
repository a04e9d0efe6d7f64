"""Studies: many training runs side by side, as files that hold all figures and a table made of nothing else."""

from matting.studies.convergence import steps_to_reach
from matting.studies.gather import find_runs, gather
from matting.studies.study import Study, read_study, write_study
from matting.studies.tables import study_markdown

__all__ = ["Study", "find_runs", "gather", "read_study", "steps_to_reach", "study_markdown", "write_study"]
