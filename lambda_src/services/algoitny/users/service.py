"""Users as other features and routes meet them: what is shown of them, and what they and administrators change."""

import hashlib
import logging
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from lambda_src.dynamo.store import Page
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.runtime.secrets import Secret
from lambda_src.services.algoitny import errors
from lambda_src.services.algoitny.bodies import Timestamp, timestamp
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.models.users import Principal, User, normalised_email
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.principals import is_administrator
from lambda_src.services.algoitny.tasks.service import TaskService
from lambda_src.services.algoitny.users.repository import UserRepository

logger = logging.getLogger(__name__)


class UserBody(BaseModel):
    """A user, to that user and to administrators. The plan of administrators reads `Admin`."""

    id: int
    email: str
    name: str
    picture: str
    is_admin: bool
    is_active: bool
    subscription_plan_id: int
    subscription_plan_name: str
    subscription_plan_description: str
    all_consents_given: bool
    created_at: Timestamp
    last_login_at: Timestamp | None


@dataclass(frozen=True, slots=True)
class UserService:
    """What is done with users. users: reads and writes of them, one by one."""

    users: UserRepository
    catalog: PlanCatalog
    secret: Secret
    tasks: TaskService
    clock: Clock

    def shown(self, user: User) -> dict[str, Any]:
        """A user to that user and to administrators: a `UserBody`. No request, 1 once a minute."""
        is_admin = is_administrator(user, self.secret)
        plan = self.catalog.of(Principal(user, is_admin))
        return {
            "id": user.user_id, "email": user.email, "name": user.name, "picture": user.picture,
            "is_admin": is_admin, "is_active": user.is_active, "subscription_plan_id": user.subscription_plan_id,
            "subscription_plan_name": plan.name, "subscription_plan_description": plan.description,
            "all_consents_given": user.all_consents_given,
            "created_at": timestamp(user.created_at), "last_login_at": timestamp(user.last_login_at),
        }  # fmt: skip

    # ---- the own account ---------------------------------------------------------------------------------------------

    def leave(self, caller: Principal, confirmation: str) -> Task:
        """Remove the caller; see `_removed`. Raises ConfirmationWrong for another address than the own."""
        if normalised_email(confirmation) != caller.user.email:
            raise errors.ConfirmationWrong
        return self._removed(caller.user_id, by=caller)

    def choose_plan(self, caller: Principal, plan_id: int | None, name: str | None) -> User:
        """Give the caller a plan that needs nobody's approval. 2 requests beside those of the plan, as stored now.

        Raises PlanUnavailable for one that is missing, hidden or switched off, PlanRequiresApproval.
        """
        plans = self.catalog.plans
        plan = plans.get_plan_by_name(name or "") if plan_id is None else plans.get_plan(plan_id)
        if plan is None or plan.is_admin_plan or not plan.is_active:
            raise errors.PlanUnavailable
        if plan.plan_id == caller.user.subscription_plan_id:
            return caller.user
        if not plan.is_self_service and not caller.is_admin:
            raise errors.PlanRequiresApproval
        try:
            return self.users.update_subscription_plan(caller.user_id, plan.plan_id)
        except (errors.PlanInactive, errors.PlanNotFound) as exc:  # at this moment
            raise errors.PlanUnavailable from exc

    def agree(self, caller: Principal) -> User:
        """Keep when the caller agreed to all documents. 1 request."""
        names = ("privacy_agreed_at", "terms_agreed_at", "code_ownership_agreed_at")
        return self.users.update_user(caller.user_id, dict.fromkeys(names, epoch_ms(self.clock())))

    def _removed(self, user_id: int, *, by: Principal) -> Task:
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
            is_on_plan = plan_id is None or user.subscription_plan_id == plan_id
            return is_on_plan and (wanted in user.email or wanted in user.name.lower())

        if "@" in wanted and cursor is None:
            user = self.users.get_user_by_email(wanted, consistent=True)
            if user is not None:
                return Page([user] if matches(user) else [], None)
        digest = hashlib.sha256(f"{plan_id} {wanted}".encode()).hexdigest()[:16]
        return self.users.search_users(limit, cursor, matches=matches, bound_to=digest)

    def administrate(self, user_id: int, *, by: Principal, **changes: Any) -> User:
        """Change what is given of a user, all at once; it holds from the user's next request on. 1 or 2 requests.

        Raises what `UserRepository.administrate` does, and LastAdmin for who would end their own rights.
        """
        if user_id == by.user_id and False in (changes.get("is_active"), changes.get("is_staff")):
            raise errors.LastAdmin
        user = self.users.administrate(user_id, **changes)
        logger.info("user changed", extra={"user_id": user_id, "by": by.user_id, "changed": changes})
        return user

    def dismiss(self, user_id: int, *, by: Principal) -> Task:
        """Remove a user, for administrators, who leave by their own account alone; see `_removed`. Raises LastAdmin."""
        if user_id == by.user_id:
            raise errors.LastAdmin
        return self._removed(user_id, by=by)
