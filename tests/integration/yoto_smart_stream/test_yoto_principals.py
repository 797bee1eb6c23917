"""Whether the service is up, and whom it takes a caller for."""

from lambda_src.services.yoto_smart_stream import tables


def test_the_service_is_healthy_and_its_table_answers(new_house):
    house = new_house()

    assert house.api.get("/api/health").json() == {"status": "healthy", "version": "1.0.0", "environment": "local"}
    assert house.api.get("/api/ready").json() == {"ready": True, "store": "dynamodb"}
    assert house.api.get("/health").status_code == 200


def test_an_account_and_its_items_are_stored_under_the_published_keys(new_house):
    house = new_house()

    john = house.user("John", email="John@example.com")

    assert {(item["PK"], item["SK"]) for item in house.items()} == {
        ("USER#john", "PROFILE"), ("USERID#101", "CLAIM"), ("EMAIL#john@example.com", "CLAIM"),
        ("COUNTER#USER", "COUNTER"),
    }  # fmt: skip
    assert house.store.get(tables.USER_BY_NAME, username_key="john") == john
