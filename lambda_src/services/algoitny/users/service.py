"""Users as other features and routes meet them."""

import hashlib
import logging
from dataclasses import dataclass

from lambda_src.dynamo.store import Page
from lambda_src.services.algoitny.errors import LastAdmin, UserNotFound
from lambda_src.services.algoitny.models.plans import SubscriptionPlan
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.models.users import Principal, User
from lambda_src.services.algoitny.plans.rules import ADMIN_PLAN_NAME
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.principals import Administrators
from lambda_src.services.algoitny.tasks.service import TaskService
from lambda_src.services.algoitny.users.repository import UserRepository

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Profile:
    """A user with what an answer says beside what is stored of one."""

    user: User
    plan: SubscriptionPlan
    is_admin: bool

    @property
    def plan_name(self) -> str:
        return ADMIN_PLAN_NAME if self.is_admin else self.plan.name


@dataclass(frozen=True, slots=True)
class UserService:
    """What is done with users. users: reads and writes of them, one by one."""

    users: UserRepository
    catalog: PlanCatalog
    administrators: Administrators
    tasks: TaskService

    def of_id(self, user_id: int) -> User:
        """The user as stored this instant. Raises UserNotFound. 1 request; 1 RRU."""
        user = self.users.get_user_by_id(user_id)
        if user is None:
            raise UserNotFound
        return user

    def profile(self, user: User) -> Profile:
        """A user as shown to that user and to administrators. No request, 1 once a minute."""
        plan = self.catalog.plan_of(user.subscription_plan_id)
        return Profile(user, plan, self.administrators.include(user))

    def remove(self, user_id: int, *, by: Principal) -> Task:
        """Remove a user at once, and in the background what is left: the task of that, which `by` may look at.

        Raises UserNotFound, Conflict. 2 requests and a message.
        """
        task = self.tasks.new("user_purge", user_id=by.user_id, arguments={"user_id": user_id})
        self.users.delete_user(user_id, with_writes=[self.tasks.put(task)])
        logger.info("user removed", extra={"user_id": user_id, "by": by.user_id, "task_id": task.task_id})
        self.tasks.send(task)
        return task

    # ---- administration ----------------------------------------------------------------------------------------------

    def search(self, *, plan_id: int | None, text: str, limit: int, cursor: str | None) -> Page[User]:
        """One page of users, newest first: those on a plan, and with a text in address or name, in any case.

        An address as it is stored finds its user alone. Raises InvalidCursor. 2 or 3 requests up to 100 users; with a
        plan or another text see `UserRepository.search_users`.
        """
        wanted = text.strip().lower()
        if not wanted and plan_id is None:
            return self.users.list_users(limit, cursor)

        def matches(user: User) -> bool:
            return (plan_id is None or user.subscription_plan_id == plan_id) and (
                wanted in user.email or wanted in user.name.lower()
            )

        if "@" in wanted and cursor is None:
            user = self.users.get_user_by_email(wanted, consistent=True)
            if user is not None:
                return Page([user] if matches(user) else [], None)
        digest = hashlib.sha256(f"{plan_id} {wanted}".encode()).hexdigest()[:16]
        return self.users.search_users(limit, cursor, matches=matches, bound_to=digest)

    def administrate(
        self, user_id: int, *, by: Principal, plan_id: int | None, is_active: bool | None, is_staff: bool | None
    ) -> User:
        """Change what is given of a user, all at once; it holds from the user's next request on. 1 or 2 requests.

        Raises UserNotFound, PlanNotFound, PlanInactive, Conflict, and LastAdmin for who would end their own rights.
        """
        if user_id == by.user_id and False in {is_active, is_staff}:
            raise LastAdmin
        user = self.users.administrate(user_id, plan_id=plan_id, is_active=is_active, is_staff=is_staff)
        changed = {"plan_id": plan_id, "is_active": is_active, "is_staff": is_staff}
        logger.info("user changed", extra={"user_id": user_id, "by": by.user_id, "changed": changed})
        return user

    def dismiss(self, user_id: int, *, by: Principal) -> Task:
        """The same as `remove` for administrators, who leave by their own account alone. Also raises LastAdmin."""
        if user_id == by.user_id:
            raise LastAdmin
        return self.remove(user_id, by=by)
