"""Who is let in, and as what: the health checks need nobody."""


def test_the_service_says_that_it_runs_and_that_its_table_answers(new_judge):
    judge = new_judge()

    assert judge.ask("GET", "/api/health").json() == {"status": "healthy"}
    assert judge.ask("GET", "/health/live").json() == {"status": "alive"}
    assert judge.ask("GET", "/api/health/ready").json() == {"status": "ready", "checks": {"table": "ok"}}


def test_an_error_says_its_sentence_twice(new_judge):
    answer = new_judge().ask("GET", "/api/nothing")

    assert answer.status_code == 404
    assert answer.json()["error"] == answer.json()["detail"]


def test_a_path_may_end_with_a_slash(new_judge):
    assert new_judge().ask("GET", "/api/health/", follow_redirects=False).json() == {"status": "healthy"}
