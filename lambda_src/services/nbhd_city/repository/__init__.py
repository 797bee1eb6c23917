"""DynamoDB access of nbhd.city: one repository per group of access patterns, joined by `Repository`."""

from lambda_src.services.nbhd_city.repository.base import Context
from lambda_src.services.nbhd_city.repository.memberships import MembershipRepository
from lambda_src.services.nbhd_city.repository.neighborhoods import NeighborhoodRepository
from lambda_src.services.nbhd_city.repository.profiles import ProfileRepository
from lambda_src.services.nbhd_city.repository.sign_ins import SignInRepository
from lambda_src.services.nbhd_city.repository.upkeep import UpkeepRepository


class Repository:
    """All access patterns over one store and clock."""

    def __init__(self, context: Context) -> None:
        self.neighborhoods = NeighborhoodRepository(context)
        self.memberships = MembershipRepository(context)
        self.profiles = ProfileRepository(context)
        self.sign_ins = SignInRepository(context)
        self.upkeep = UpkeepRepository(context)
