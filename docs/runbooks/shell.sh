# Helpers for the commands in these pages. Bash or zsh, at the root of the repository:
#
#     . docs/runbooks/shell.sh prod                      an environment on AWS, with its credentials in the shell
#     . docs/runbooks/shell.sh local                     the house that `make run` started; PORT_OFFSET as there
#     . docs/runbooks/shell.sh prod StockTrackRecord     another service than the first
#
# output NAME          an output of the service's app stack, for example $(output ApiUrl)
# ask "QUERY" [MIN]    run a saved query over the last so many minutes, 60 unless told; a third word is a query of yours
# ago HOURS            the time so many hours ago, in UTC
# alarms               what is on, and since when
# resource TYPE        physical names of the app stack's resources of a type

ENVIRONMENT=${1:?name an environment: local, dev, staging or prod}
SERVICE=${2:-StockTrackRecord}
STACK=$ENVIRONMENT-${SERVICE}App

if [ "$ENVIRONMENT" = local ]; then
  export AWS_ENDPOINT_URL=http://localhost:$((4570 + ${PORT_OFFSET:-0}))
  export AWS_ENDPOINT_URL_DYNAMODB=http://localhost:$((8102 + ${PORT_OFFSET:-0}))
  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1
  unset AWS_PROFILE AWS_SESSION_TOKEN
elif [ "${AWS_ACCESS_KEY_ID:-}" = local ]; then
  unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_DYNAMODB AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION
fi
export AWS_PAGER=

output() {
  aws cloudformation describe-stacks --stack-name "$STACK" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}

resource() {
  aws cloudformation describe-stack-resources --stack-name "$STACK" --output text \
    --query "StackResources[?ResourceType=='$1'].PhysicalResourceId"
}

alarms() {
  aws cloudwatch describe-alarms --alarm-name-prefix "$STACK" --state-value ALARM --output text \
    --query 'MetricAlarms[].[StateUpdatedTimestamp,AlarmName,StateReason]'
}

ago() {
  python3 -c "import time; print(time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() - 3600 * $1)))"
}

ask() {
  local text id
  text=$(aws logs describe-query-definitions --query-definition-name-prefix "$SERVICE-$ENVIRONMENT/$1" --output text \
    --query 'queryDefinitions[0].queryString')
  id=$(aws logs start-query --query-string "${3:-$text}" --query queryId --output text \
    --log-group-names "$(output ApiLogGroup)" "$(output WorkerLogGroup)" "$(output ApiAccessLogGroup)" \
    --start-time $(($(date +%s) - ${2:-60} * 60)) --end-time "$(date +%s)") || return
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    [ "$(aws logs get-query-results --query-id "$id" --query status --output text)" = Complete ] && break
  done
  aws logs get-query-results --query-id "$id" --output json --query 'results[].{r: [?field!=`@ptr`].[field, value]}.r'
}
