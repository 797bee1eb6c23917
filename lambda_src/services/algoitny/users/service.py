"""Users as other features and routes meet them."""

from dataclasses import dataclass

from lambda_src.services.algoitny.errors import UserNotFound
from lambda_src.services.algoitny.models.users import User
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.users.repository import UserRepository


@dataclass(frozen=True, slots=True)
class UserService:
    """What is done with users. users: reads and writes of them, one by one."""

    users: UserRepository
    catalog: PlanCatalog

    def of_id(self, user_id: int) -> User:
        """The user as stored this instant. Raises UserNotFound. 1 request; 1 RRU."""
        user = self.users.get_user_by_id(user_id)
        if user is None:
            raise UserNotFound
        return user
