# Helpers for the commands in these pages. Bash or zsh, at the root of the repository, with the AWS CLI, version 2:
#
#     . docs/runbooks/shell.sh prod               an environment on AWS, with your credentials and region
#     . docs/runbooks/shell.sh local              the local cloud, which `make run` started; PORT_OFFSET as there
#     . docs/runbooks/shell.sh prod NbhdCity      another service than Stock Track Record
#
# alarms               what is on, and since when
# ask "NAME" [MIN]     a saved query over the last so many minutes, 60 unless told
# query "TEXT" [MIN]   likewise, a query of your own
# one ID [MIN]         everything that was logged for one request: its `request_id`, the `correlation_id` of all it caused
# output NAME          an output of the service's app stack, for example $(output ApiUrl)
# resource TYPE        physical names of the app stack's resources of a type
# queues               how many messages wait and are in flight, in every queue
# stop_worker          messages wait, schedules rest, nothing is lost
# start_worker         the undo of that
# versions             versions of the API function, newest first, and which of them serves
# serve VERSION        let that one serve, from the next call on
# edit_secret NAME     change a secret of the data stack in your $EDITOR
# ago HOURS            the time so many hours ago, in UTC
#
# `aws` itself becomes a function here: for `local` it goes to the local cloud and nowhere else, whatever your own settings are;
# otherwise they hold as they are.

_complain() {
  printf '%s\n' "$*" >&2
  return 1
}

aws() {
  case ${ENVIRONMENT:-} in
    '') _complain 'no environment: . docs/runbooks/shell.sh prod' ;;
    local)
      env -u AWS_PROFILE -u AWS_SESSION_TOKEN AWS_PAGER= AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \
        AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 \
        aws --endpoint-url "$(if [ "$1" = dynamodb ]; then echo "$DYNAMODB_URL"; else echo "$EMULATOR_URL"; fi)" "$@"
      ;;
    *) env AWS_PAGER= aws "$@" ;;
  esac
}

# Sets ENVIRONMENT, SERVICE and STACK once everything is as it must be; unset, every helper refuses to work.
_choose() {
  local environment service where state version
  environment=${1:-} service=${2:-StockTrackRecord}
  unset ENVIRONMENT SERVICE STACK API_URL CONSOLE_URL EMULATOR_URL DYNAMODB_URL
  version=$(env aws --version 2>&1)
  case $version in
    aws-cli/[2-9].*) ;;
    *) _complain "AWS CLI, version 2, is needed; here is: $version" || return ;;
  esac
  case $environment in
    local) _choose_local "$service" || return ;;
    dev | staging | prod)
      [ -z "${AWS_ENDPOINT_URL:-}${AWS_ENDPOINT_URL_DYNAMODB:-}" ] ||
        _complain 'AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_DYNAMODB is set; unset it to reach AWS' || return
      where=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(env aws configure get region)}}
      [ -n "$where" ] || _complain 'no region: export AWS_REGION=...' || return
      where="account $(env aws sts get-caller-identity --query Account --output text), region $where" ||
        _complain 'no valid credentials, see above' || return
      ;;
    *) _complain "'$environment' is no environment; name one of: local dev staging prod" || return ;;
  esac
  ENVIRONMENT=$environment SERVICE=$service STACK=$environment-${service}App
  where=${where:-the local cloud, $CONSOLE_URL}
  if ! state=$(aws cloudformation describe-stacks --stack-name "$STACK" --output text --query 'Stacks[0].StackStatus'); then
    _complain "there is no stack $STACK in $where, or nobody answers (locally: is \`make run\` up, PORT_OFFSET the same?)"
    unset ENVIRONMENT SERVICE STACK
    return 1
  fi
  echo "$STACK ($state) in $where"
}

_choose_local() {
  local offset=${PORT_OFFSET:-0}
  export PORT_OFFSET="$offset" # `make redrive` looks there, too
  case $1 in
    StockTrackRecord) API_URL=http://localhost:$((8001 + offset)) ;;
    AlgoItny) API_URL=http://localhost:$((8002 + offset)) ;;
    YotoSmartStream) API_URL=http://localhost:$((8003 + offset)) ;;
    NbhdCity) API_URL=http://localhost:$((8004 + offset)) ;;
    *) _complain "the local cloud has no service '$1'" || return ;;
  esac
  CONSOLE_URL=http://localhost:$((8000 + offset))
  EMULATOR_URL=http://localhost:$((4570 + offset))
  DYNAMODB_URL=http://localhost:$((8102 + offset))
}

output() {
  local value
  if [ "$ENVIRONMENT $1" = 'local ApiUrl' ]; then
    echo "$API_URL" # the emulator's own address needs a name that does not resolve
    return
  fi
  value=$(aws cloudformation describe-stacks --stack-name "$STACK" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue") || return
  [ -n "$value" ] || _complain "$STACK has no output $1" || return
  echo "$value"
}

# Values of all outputs whose names end like this.
_outputs() {
  aws cloudformation describe-stacks --stack-name "$STACK" --output text \
    --query "Stacks[0].Outputs[?ends_with(OutputKey, '$1')].OutputValue"
}

resource() {
  aws cloudformation describe-stack-resources --stack-name "$STACK" --output text \
    --query "StackResources[?ResourceType=='$1'].PhysicalResourceId"
}

alarms() {
  local count on
  count=$(aws cloudwatch describe-alarms --alarm-name-prefix "$STACK-" --output json --query 'length(MetricAlarms)') || return
  on=$(aws cloudwatch describe-alarms --alarm-name-prefix "$STACK-" --state-value ALARM --output text \
    --query 'MetricAlarms[].[StateUpdatedTimestamp,AlarmName,StateReason]') || return
  [ "$count" != 0 ] || _complain "$STACK has no alarms at all" || return
  if [ -n "$on" ]; then printf '%s\n' "$on"; else echo "none of $count is on"; fi
}

ago() {
  python3 -c "import time; print(time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() - 3600 * $1)))"
}

_saved() {
  local name text
  name=$SERVICE-$ENVIRONMENT/$1
  text=$(aws logs describe-query-definitions --query-definition-name-prefix "$name" --output text \
    --query "queryDefinitions[?name=='$name'].queryString | [0]") || return
  [ -n "$text" ] && [ "$text" != None ] || _complain "there is no saved query '$name'" || return
  printf '%s\n' "$text"
}

ask() {
  local text
  [ "$ENVIRONMENT" != local ] || _complain "the local cloud keeps no saved queries; its log: $CONSOLE_URL/log" || return
  text=$(_saved "$1") && query "$text" "${2:-60}"
}

one() {
  local text
  [ -n "${1:-}" ] || _complain 'name an id: the request_id of an answer, or a correlation_id' || return
  [ "$ENVIRONMENT" != local ] || { echo "$CONSOLE_URL/log?show=all&correlation=$1"; return; }
  text=$(_saved 'one request') && query "${text//PUT THE ID HERE/$1}" "${2:-1440}"
}

query() {
  local id answer minutes state=Scheduled turn=0
  minutes=${2:-60}
  [ "$ENVIRONMENT" != local ] || _complain "the local cloud answers no queries; its log: $CONSOLE_URL/log" || return
  id=$(aws logs start-query --query-string "$1" --query queryId --output text \
    --start-time $(($(date +%s) - minutes * 60)) --end-time "$(date +%s)" \
    --log-group-names $(_outputs LogGroup)) || return
  while [ "$turn" -lt 60 ]; do
    turn=$((turn + 1))
    state=$(aws logs get-query-results --query-id "$id" --query status --output text) || return
    case $state in Scheduled | Running) sleep 1 ;; *) break ;; esac
  done
  [ "$state" = Complete ] || _complain "the query ended as $state: aws logs get-query-results --query-id $id" || return
  # A line for each field, an empty one before each row.
  answer=$(aws logs get-query-results --query-id "$id" --output text \
    --query 'results[*].[`[["", ""]]`, [?field!=`@ptr`].[field, value]][][]') || return
  printf '%s\n' "${answer:-nothing in the last $minutes minutes}"
}

queues() {
  local url
  printf 'waiting\tin flight\tdelayed\tqueue\n'
  for url in $(_outputs QueueUrl); do
    printf '%s\t%s\n' "$(aws sqs get-queue-attributes --queue-url "$url" --attribute-names All --output text --query \
      'Attributes.[ApproximateNumberOfMessages,ApproximateNumberOfMessagesNotVisible,ApproximateNumberOfMessagesDelayed]')" \
      "${url##*/}"
  done
}

_feeds() {
  aws lambda list-event-source-mappings --function-name "$1" --output text --query "EventSourceMappings[$2].UUID"
}

# Queues first: a message that a stopped function refuses counts as received, and after five of those it is given up.
stop_worker() {
  local worker feed rule turn=0
  worker=$(output WorkerFunctionName) || return
  for feed in $(_feeds "$worker"); do
    aws lambda update-event-source-mapping --uuid "$feed" --no-enabled --output text --query '[State,EventSourceArn]' || return
  done
  for rule in $(_outputs RuleName); do aws events disable-rule --name "$rule" || return; done
  while [ -n "$(_feeds "$worker" '?State!=`Disabled`')" ]; do
    turn=$((turn + 1))
    [ "$turn" -lt 40 ] || _complain 'the queues still feed the worker after two minutes; call stop_worker again' || return
    sleep 3
  done
  aws lambda put-function-concurrency --function-name "$worker" --reserved-concurrent-executions 0 > /dev/null &&
    echo 'stopped; start_worker takes it back. The alarms "schedule" and "queue-age" will come: that is expected'
}

start_worker() {
  local worker feed rule
  worker=$(output WorkerFunctionName) || return
  aws lambda delete-function-concurrency --function-name "$worker" || return
  for rule in $(_outputs RuleName); do aws events enable-rule --name "$rule" || return; done
  for feed in $(_feeds "$worker"); do
    aws lambda update-event-source-mapping --uuid "$feed" --enabled --output text --query '[State,EventSourceArn]' || return
  done
}

versions() {
  local name
  name=$(output ApiFunctionName) || return
  echo "serves: $(aws lambda get-alias --function-name "$name" --name live --output json \
    --query '[FunctionVersion, RoutingConfig.AdditionalVersionWeights]' | tr -d '\n ')"
  aws lambda list-versions-by-function --function-name "$name" --output text \
    --query 'reverse(Versions[?Version!=`$LATEST`])[].[Version,LastModified]'
}

serve() {
  local name
  case ${1:-} in '' | *[!0-9]*) _complain 'name a version by its number; `versions` lists them' || return ;; esac
  name=$(output ApiFunctionName) || return
  aws lambda update-alias --function-name "$name" --name live --function-version "$1" \
    --routing-config 'AdditionalVersionWeights={}' --output text --query FunctionVersion > /dev/null && versions
}

# In a process of its own, which removes the file however it ends.
edit_secret() (
  id=$(aws cloudformation describe-stack-resources --stack-name "$ENVIRONMENT-${SERVICE}Data" --output text --query \
    "StackResources[?ResourceType=='AWS::SecretsManager::Secret' && starts_with(LogicalResourceId, '$1')].PhysicalResourceId")
  [ -n "$1" ] && [ -n "$id" ] || _complain "the data stack has no secret '$1'" || exit
  file=$(mktemp) || exit
  trap 'rm -f "$file" "$file.before"' EXIT
  trap 'exit 1' HUP INT TERM
  (umask 077 && aws secretsmanager get-secret-value --secret-id "$id" --query SecretString --output text > "$file.before") || exit
  python3 -m json.tool "$file.before" > "$file" || exit
  sh -c "${EDITOR:-vi} \"\$1\"" sh "$file" || _complain 'the editor failed; nothing was changed' || exit
  python3 -c 'import json, sys
try: before, after = (json.load(open(name)) for name in sys.argv[1:])
except ValueError as error: sys.exit(f"it is no JSON: {error}; nothing was changed")
if before == after: sys.exit("nothing was changed")
if not {(k, type(v)) for k, v in before.items()} <= {(k, type(v)) for k, v in after.items()}:
    sys.exit(f"it must keep its names, {sorted(before)}, and their kinds; nothing was changed")' "$file.before" "$file" || exit
  aws secretsmanager put-secret-value --secret-id "$id" --secret-string "file://$file" --output text --query Name
)

_choose "$@"
