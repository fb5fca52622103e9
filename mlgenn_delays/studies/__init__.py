"""Runs and studies: from a configuration to results, on one machine or many::

    config -> run -> record                       one network
    study -> runs -> executor -> records -> report    many

>>> from mlgenn_delays.studies import make_config, run
>>> record = run(make_config("braille", hidden=64, seed=1))
"""

from .config import DataSettings, RecordedDataSettings, RunConfig
from .errors import FolderBusy, FolderError, RunError
from .executors import ExecutorError, ExecutorSettings
from .progress import Progress, RunProgress, RunStart
from .read_config import read_config
from .record import RunRecord, read_record
from .run import make_config, run
from .study import PlannedRun, Study, plan
from .study_run import StudyProgress, StudyState, run_study
from .task import NothingMore, Observer, Part, Task, TaskData
from .tasks import RECIPES, TASKS, add_task, get_task
from .variants import VARIANTS, add_variant

__all__ = [
    "RECIPES",
    "TASKS",
    "VARIANTS",
    "DataSettings",
    "ExecutorError",
    "ExecutorSettings",
    "FolderBusy",
    "FolderError",
    "NothingMore",
    "Observer",
    "Part",
    "PlannedRun",
    "Progress",
    "RecordedDataSettings",
    "RunConfig",
    "RunError",
    "RunProgress",
    "RunRecord",
    "RunStart",
    "Study",
    "StudyProgress",
    "StudyState",
    "Task",
    "TaskData",
    "add_task",
    "add_variant",
    "get_task",
    "make_config",
    "plan",
    "read_config",
    "read_record",
    "run",
    "run_study",
]
