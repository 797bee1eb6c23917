"""Users as they are found: by id, address and Google account, and in lists."""

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.errors import StoreUnavailable
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.models.users import User
from tests.support.algoitny import FREE
from tests.support.algoitny_people import check_people, users_of


@pytest.fixture
def judge(new_judge):
    judge = new_judge()
    yield judge
    check_people(judge)


@pytest.fixture
def users(judge):
    return users_of(judge)


def test_look_ups_ask_what_they_say(judge, users):
    ann = judge.user("ann@example.com", google_id="108", name="Ann")
    asked = {
        (lambda: users.get_user_by_email("ANN@example.com ")): {"Query": 1},
        (lambda: users.get_user_by_email("ann@example.com", consistent=True)): {"GetItem": 2},
        (lambda: users.get_user_by_google_id("108")): {"Query": 1, "GetItem": 1},
        (lambda: users.get_user_by_google_id("108", consistent=True)): {"GetItem": 2},
        (lambda: users.get_user_by_id(ann.user_id)): {"GetItem": 1},
    }
    for look_up, requests in asked.items():
        with judge.counted() as calls:
            assert look_up() == ann
        assert calls == requests


def test_who_is_not_there_is_nobody(judge, users):
    judge.user("ann@example.com", google_id="108")
    for consistent in (False, True):
        assert users.get_user_by_email("bob@example.com", consistent) is None
        assert users.get_user_by_google_id("109", consistent) is None
        assert users.get_user_by_email("", consistent) is None
        assert users.get_user_by_google_id("", consistent) is None
    for user_id in (0, -1, 2, 2**53, 10**30):
        assert users.get_user_by_id(user_id) is None
    assert users.user_exists("ANN@example.com")
    assert not users.user_exists("bob@example.com")
    assert not users.user_exists(" ")


def test_of_two_users_with_one_address_the_older_one_wins_and_an_operator_hears_of_it(new_judge, caplog):
    judge = new_judge()
    for user_id in (9, 4, 7):
        judge.user("ann@example.com", user_id=user_id)
    found = users_of(judge).get_user_by_email("ann@example.com")
    assert found is not None
    assert found.user_id in {4, 7}  # of the first two in the index, whose keys are texts
    assert "address of two users" in caplog.text


def test_administrators_are_staff_or_have_an_address_that_is_named(judge, users):
    ann, bob = judge.user("ann@example.com"), judge.admin("bob@example.com")
    off = judge.admin("off@example.com", is_active=False)
    assert not users.is_admin(ann.user_id, [])
    assert users.is_admin(ann.user_id, [" Ann@Example.com"])
    assert users.is_admin(bob.user_id, [])
    assert not users.is_admin(off.user_id, ["off@example.com"])
    assert not users.is_admin(1, ["ann@example.com"])


def test_a_page_of_users_is_read_newest_first_in_two_requests(judge, users):
    for number in range(5):
        judge.user(f"{number}@example.com")
        judge.clock.forward(seconds=1)
    with judge.counted() as calls:
        page = users.list_users(3)
    assert calls == {"Query": 1, "BatchGetItem": 1}
    assert [user.email[0] for user in page.items] == ["4", "3", "2"]
    judge.user("later@example.com")
    rest = users.list_users(3, page.next_cursor)
    assert [user.email[0] for user in rest.items] == ["1", "0"]
    assert rest.next_cursor is None


class Withholding:
    """A client that leaves ten of the keys of a BatchGetItem unprocessed, so many times."""

    def __init__(self, client, times):
        self._client, self.times = client, times

    def call(self, operation, request, pattern):
        answer = self._client.call(operation, request, pattern)
        if operation != "BatchGetItem" or not self.times:
            return answer
        self.times -= 1
        [(name, found)] = answer["Responses"].items()
        keys = [{part: item[part] for part in ("PK", "SK")} for item in found[:10]]
        entry = {**request["RequestItems"][name], "Keys": keys}
        return {"Responses": {name: found[10:]}, "UnprocessedKeys": {name: entry}}

    def close(self):
        self._client.close()


def test_150_users_are_read_in_two_requests_and_none_is_missing_that_was_left_unprocessed(new_judge, dynamodb_client):
    client = Withholding(Boto3Client(dynamodb_client), times=0)
    judge = new_judge(engine=client)
    many = [
        User(user_id=1000 + n, email=f"{n}@example.com", subscription_plan_id=FREE, created_at=n, updated_at=n)
        for n in range(150)
    ]
    judge.store.batch_write(tables.USERS_OF_PAGE, puts=map(items.USER.item, many))
    newest_first, users = many[::-1], users_of(judge)
    with judge.counted() as calls:
        assert users.list_users(150).items == newest_first
    assert calls == {"Query": 1, "BatchGetItem": 2}
    client.times = 2
    with judge.counted() as calls:
        assert users.list_users(150).items == newest_first
    assert calls == {"Query": 1, "BatchGetItem": 4}
    client.times = 100
    with pytest.raises(StoreUnavailable, match="still to be read: 10"):
        users.list_users(150)
