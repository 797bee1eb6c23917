"""What the API and the worker both have."""

from lambda_src.dynamo.store import Store
from lambda_src.runtime.resources import Resources
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.algoitny.histories.clients import ResultObjects
from lambda_src.services.algoitny.histories.repository import SearchHistoryRepository
from lambda_src.services.algoitny.histories.rules import Spread
from lambda_src.services.algoitny.histories.service import Histories
from lambda_src.services.algoitny.messages import TaskMessage
from lambda_src.services.algoitny.plans.repository import SubscriptionPlanRepository
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.rollups.service import Rollups
from lambda_src.services.algoitny.settings import ApiSettings, WorkerSettings
from lambda_src.services.algoitny.statistics.service import Statistics
from lambda_src.services.algoitny.tasks.repository import TaskRepository
from lambda_src.services.algoitny.tasks.service import TaskService
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from lambda_src.services.algoitny.usage.service import UsageService


class Parts:
    """Made once in a process, without a request."""

    def __init__(self, settings: ApiSettings | WorkerSettings, resources: Resources, store: Store) -> None:
        clock, jobs = resources.clock, WorkQueue[TaskMessage](resources.queue, settings.algoitny_job_queue_url)
        spread = Spread(settings.public_timeline_shards, settings.read_shards, settings.public_timeline_read_legacy)
        objects = ResultObjects(resources.objects(settings.algoitny_content_bucket))
        self.tasks = TaskService(TaskRepository(store, clock), jobs, clock)
        self.plans = PlanCatalog(SubscriptionPlanRepository(store, clock), clock)
        self.logs = UsageLogRepository(store, clock)
        self.usage = UsageService(store, self.logs, self.plans, resources.metrics, clock)
        self.rollups = Rollups(store, self.usage, self.plans, self.tasks, clock)
        self.statistics = Statistics(store, clock)
        self.runs = Histories(SearchHistoryRepository(store, objects, spread, self.statistics, clock))
