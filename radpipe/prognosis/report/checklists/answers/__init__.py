"""What the software can say to an item, by the name that the tables of items use."""

from radpipe.prognosis.report.checklists.answers.base import Answer
from radpipe.prognosis.report.checklists.answers.of_cohort import COHORT
from radpipe.prognosis.report.checklists.answers.of_design import DESIGN
from radpipe.prognosis.report.checklists.answers.of_embeddings import EMBEDDINGS
from radpipe.prognosis.report.checklists.answers.of_images import IMAGES
from radpipe.prognosis.report.checklists.answers.of_judgement import JUDGEMENT
from radpipe.prognosis.report.checklists.answers.of_results import RESULTS

ANSWERS: dict[str, Answer] = COHORT | DESIGN | EMBEDDINGS | IMAGES | JUDGEMENT | RESULTS

__all__ = ["ANSWERS", "Answer"]
