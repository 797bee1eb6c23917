"""Faults in what people look at: dashboards, budgets, topics, tags."""

import json
from collections.abc import Callable, Iterator

from tests.infra.gates.dashboards import BUDGET, DASHBOARD, widgets_of
from tests.infra.gates.metrics import ALARM
from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.references import FUNCTION, QUEUE
from tests.infra.gates.topics import OVER_PLAIN_HTTP, POLICY, SUBSCRIPTION
from tests.infra.mutants.making import app_stack, caught_by, pick


def redraw(prod: Deployment, change: Callable[[list[Json]], object]) -> None:
    """Change the widgets of a dashboard."""
    dashboard = pick(prod, DASHBOARD)
    widgets = widgets_of(dashboard)
    change(widgets)
    dashboard.properties["DashboardBody"] = {"Fn::Sub": json.dumps({"widgets": widgets})}


def titled(widgets: list[Json], title: str) -> Json:
    """The first widget whose title ends like this."""
    return next(each for each in widgets if str(each["properties"].get("title")).endswith(title))


def without(prod: Deployment, title: str) -> None:
    redraw(prod, lambda widgets: widgets.remove(titled(widgets, title)))


@caught_by("widgets-lie-side-by-side")
def a_graph_lies_on_another(prod: Deployment) -> None:
    redraw(prod, lambda widgets: titled(widgets, "Latency").update(x=0))


@caught_by("widgets-lie-side-by-side")
def a_graph_is_wider_than_the_page(prod: Deployment) -> None:
    redraw(prod, lambda widgets: titled(widgets, "Latency").update(width=13))


@caught_by("alarms-are-at-the-top")
def alarms_come_last(prod: Deployment) -> None:
    redraw(prod, lambda widgets: titled(widgets, "Alarms").update(y=500))


@caught_by("alarms-are-at-the-top")
def a_graph_further_down_the_list_is_as_high_as_the_alarms(prod: Deployment) -> None:
    redraw(prod, lambda widgets: titled(widgets, "dead letters").update(y=0))


def averaged(widgets: list[Json]) -> None:
    for row in titled(widgets, "Latency")["properties"]["metrics"]:
        row[-1].pop("stat")


@caught_by("waits-are-percentiles")
def latencies_are_averages(prod: Deployment) -> None:
    redraw(prod, averaged)


@caught_by("waits-are-percentiles")
def the_slowest_of_a_hundred_is_not_shown(prod: Deployment) -> None:
    redraw(prod, lambda widgets: titled(widgets, "Worker: duration")["properties"]["metrics"].pop())


@caught_by("dashboards-show-what-there-is")
def dead_letters_are_not_shown(prod: Deployment) -> None:
    without(prod, "dead letters")


@caught_by("dashboards-show-what-there-is")
def throttles_of_a_table_are_not_shown(prod: Deployment) -> None:
    without(prod, "throttled in 5 minutes")


@caught_by("dashboards-show-what-there-is")
def an_index_is_not_shown(prod: Deployment) -> None:
    redraw(prod, lambda widgets: titled(widgets, "read units in 5 minutes")["properties"]["metrics"].pop())


@caught_by("dashboards-show-what-there-is")
def schedules_are_not_shown(prod: Deployment) -> None:
    without(prod, "Schedule, in 5 minutes")


@caught_by("dashboards-show-what-there-is")
def a_queue_is_graphed_twice_and_another_never(prod: Deployment) -> None:
    dead = pick(prod, QUEUE, lambda each: "RedriveAllowPolicy" in each.properties).logical_id

    def swap(widgets: list[Json]) -> None:
        work = titled(widgets, "messages")["properties"]["metrics"][0][3]
        widgets[:] = json.loads(json.dumps(widgets).replace("${" + dead + ".QueueName}", work))

    redraw(prod, swap)


@caught_by("logs-are-shown-of-all-functions")
def errors_of_the_worker_are_in_no_list(prod: Deployment) -> None:
    group = next(each for each in prod.of_type(FUNCTION) if each.properties["Handler"].endswith("worker.handler"))
    source = f"SOURCE '${{{group.properties['LoggingConfig']['LogGroup']['Ref']}}}' | "

    def forget(widgets: list[Json]) -> None:
        its = titled(widgets, "Recent errors")["properties"]
        its["query"] = its["query"].replace(source, "")

    redraw(prod, forget)


@caught_by("logs-are-shown-of-all-functions")
def cold_starts_are_not_shown(prod: Deployment) -> None:
    without(prod, "Cold starts by hour")


def expressions(widgets: list[Json]) -> Iterator[Json]:
    for row in titled(widgets, "US dollars per hour")["properties"]["metrics"]:
        if "FILL" in row[-1].get("expression", ""):
            yield row[-1]


@caught_by("costs-are-list-prices")
def requests_cost_ten_times_as_much(prod: Deployment) -> None:
    def raise_prices(widgets: list[Json]) -> None:
        for its in expressions(widgets):
            its["expression"] = its["expression"].replace(", 0) * 0.", ", 0) * 1.")

    redraw(prod, raise_prices)


@caught_by("costs-are-list-prices")
def one_service_of_aws_is_for_nothing(prod: Deployment) -> None:
    def forget(widgets: list[Json]) -> None:
        for its in list(expressions(widgets))[:1]:
            its["expression"] = "0"

    redraw(prod, forget)


# ---- budgets -------------------------------------------------------------------------------------------------------


def budget(prod: Deployment) -> Json:
    found: Json = pick(prod, BUDGET).properties["Budget"]
    return found


@caught_by("spending-is-watched")
def a_budget_counts_another_deployment(prod: Deployment) -> None:
    [tag] = budget(prod)["CostFilters"]["TagKeyValue"]
    budget(prod)["CostFilters"]["TagKeyValue"] = [tag.replace("prod", "dev")]


@caught_by("spending-is-watched")
def a_budget_counts_the_whole_account(prod: Deployment) -> None:
    del budget(prod)["CostFilters"]


@caught_by("spending-is-watched")
def a_budget_is_for_a_year(prod: Deployment) -> None:
    budget(prod)["TimeUnit"] = "ANNUALLY"


@caught_by("spending-is-watched")
def a_budget_is_ten_times_as_large(prod: Deployment) -> None:
    budget(prod)["BudgetLimit"]["Amount"] *= 10


@caught_by("spending-is-watched")
def a_budget_warns_when_the_money_is_gone(prod: Deployment) -> None:
    pick(prod, BUDGET).properties["NotificationsWithSubscribers"].pop(0)


@caught_by("spending-is-watched")
def a_budget_warns_an_address(prod: Deployment) -> None:
    for each in pick(prod, BUDGET).properties["NotificationsWithSubscribers"]:
        each["Subscribers"] = [{"Address": "ada@example.com", "SubscriptionType": "EMAIL"}]


@caught_by("spending-is-watched")
def a_budget_sends_the_name_of_a_topic_by_mail(prod: Deployment) -> None:
    for each in pick(prod, BUDGET).properties["NotificationsWithSubscribers"]:
        each["Subscribers"][0]["SubscriptionType"] = "EMAIL"


# ---- topics --------------------------------------------------------------------------------------------------------


def topic_statement(prod: Deployment, effect: str) -> Json:
    statements = pick(prod, POLICY).properties["PolicyDocument"]["Statement"]
    found: Json = next(each for each in statements if each["Effect"] == effect)
    return found


@caught_by("topics-hear-this-account-alone")
def a_topic_hears_every_account(prod: Deployment) -> None:
    del topic_statement(prod, "Allow")["Condition"]


@caught_by("topics-hear-this-account-alone")
def a_topic_hears_another_account(prod: Deployment) -> None:
    topic_statement(prod, "Allow")["Condition"] = {"StringEquals": {"aws:SourceAccount": "999988887777"}}


@caught_by("topics-hear-this-account-alone")
def a_topic_hears_every_account_by_another_statement(prod: Deployment) -> None:
    own = topic_statement(prod, "Allow")
    everywhere = {name: value for name, value in own.items() if name != "Condition"} | {"Resource": "*"}
    pick(prod, POLICY).properties["PolicyDocument"]["Statement"].append(everywhere)


@caught_by("topics-refuse-plain-http")
def a_topic_takes_plain_http(prod: Deployment) -> None:
    topic_statement(prod, "Deny")["Condition"] = {"Bool": {"aws:SecureTransport": "true"}}


@caught_by("topics-refuse-plain-http")
def a_topic_refuses_plain_http_to_one_caller(prod: Deployment) -> None:
    topic_statement(prod, "Deny").update(Principal={"AWS": "123456789012"}, Condition=OVER_PLAIN_HTTP)


@caught_by("addresses-are-asked-for")
def an_address_is_in_the_template(prod: Deployment) -> None:
    pick(prod, SUBSCRIPTION).properties["Endpoint"] = "ada@example.com"


@caught_by("addresses-are-asked-for")
def an_address_is_the_default(prod: Deployment) -> None:
    app_stack(prod).body["Parameters"]["AlarmEmail"]["Default"] = "ada@example.com"


@caught_by("addresses-are-asked-for")
def nobody_is_subscribed_too(prod: Deployment) -> None:
    del pick(prod, SUBSCRIPTION).body["Condition"]


# ---- words and tags ------------------------------------------------------------------------------------------------


def described(prod: Deployment, before: str, after: str) -> None:
    alarm = pick(prod, ALARM, lambda each: before in each.properties["AlarmDescription"])
    alarm.properties["AlarmDescription"] = alarm.properties["AlarmDescription"].replace(before, after)


@caught_by("alarms-are-understood")
def an_alarm_does_not_say_what_to_do_first(prod: Deployment) -> None:
    described(prod, ". First: ", ". Second: ")


@caught_by("alarms-are-understood")
def an_alarm_names_the_page_of_another(prod: Deployment) -> None:
    described(prod, "docs/runbooks/dead-letters.md", "docs/runbooks/api-latency.md")


@caught_by("alarms-are-understood")
def an_alarm_does_not_say_whose_it_is(prod: Deployment) -> None:
    alarm = pick(prod, ALARM)
    alarm.properties["AlarmDescription"] = alarm.properties["AlarmDescription"].partition(": ")[2]


def lasting(alarm: Resource) -> bool:
    return bool(alarm.properties.get("OKActions"))


@caught_by("what-lasts-tells-when-it-is-over")
def nobody_hears_that_it_is_over(prod: Deployment) -> None:
    del pick(prod, ALARM, lasting).properties["OKActions"]


@caught_by("what-lasts-tells-when-it-is-over")
def an_event_is_reported_to_be_over(prod: Deployment) -> None:
    alarm = pick(prod, ALARM, lambda each: not lasting(each))
    alarm.properties["OKActions"] = alarm.properties["AlarmActions"]


@caught_by("alarms-can-be-made")
def an_alarm_reads_too_many_metrics(prod: Deployment) -> None:
    parts = pick(prod, ALARM, lambda each: len(each.properties.get("Metrics", ())) > 1).properties["Metrics"]
    one = next(part for part in parts if "MetricStat" in part)
    parts += [one | {"Id": f"more{number}"} for number in range(10)]


@caught_by("operations-are-watched")
def errors_of_updates_are_not_watched(prod: Deployment) -> None:
    for alarm in prod.of_type(ALARM):
        parts = alarm.properties.get("Metrics", [])
        parts[:] = [part for part in parts if "UpdateItem" not in json.dumps(part)]


@caught_by("operations-are-watched")
def errors_of_transactions_are_not_watched(prod: Deployment) -> None:
    for alarm in prod.of_type(ALARM):
        parts = alarm.properties.get("Metrics", [])
        parts[:] = [part for part in parts if "TransactWriteItems" not in json.dumps(part)]


@caught_by("what-is-billed-carries-tags")
def an_alarm_is_nobodys(prod: Deployment) -> None:
    pick(prod, ALARM).properties["Tags"] = []


@caught_by("what-is-billed-carries-tags")
def a_function_is_on_the_bill_of_another_deployment(prod: Deployment) -> None:
    for tag in pick(prod, FUNCTION).properties["Tags"]:
        tag["Value"] = tag["Value"].replace("prod", "staging")


@caught_by("apps-can-be-made-anew")
def an_app_stack_is_protected(prod: Deployment) -> None:
    app_stack(prod).is_protected = True
