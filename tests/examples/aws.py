"""Lambda and Batch on 127.0.0.1, as far as the DAGs in examples/airflow call them. A call of a function is one of the real
binary, by Lambda's runtime API; a job is a real process as well."""

import contextlib
import http.server
import json
import pathlib
import re
import subprocess
import threading
import time
import urllib.parse

INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
NEXT = "/2018-06-01/runtime/invocation/next"
DONE = re.compile(r"/2018-06-01/runtime/invocation/[^/]+/(response|error)")


class Aws:
    """`settings` is the lake's environment; `url` is what AWS_ENDPOINT_URL is to be."""

    def __init__(self, binaries, settings, prefix):
        self.binaries = pathlib.Path(binaries)
        self.settings = settings
        self.prefix = prefix
        self.actions = set()  # as IAM calls them, with their resources
        self.calls = []  # function and payload
        self.submitted = []  # what SubmitJob was sent
        self.hands_over = {}  # what functions are made to add to their answers
        self.scripted = {}  # statuses of jobs that are no processes, the next one first
        self.processes = {}
        self._one = threading.Lock()
        self._call = None
        aws = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def do_GET(self):
                aws._answer(self, b"")

            def do_POST(self):
                aws._answer(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        for process in self.processes.values():
            process.kill()
            process.wait()

    def _answer(self, request, body):
        url = urllib.parse.urlsplit(request.path)
        finished = None
        path, query = urllib.parse.unquote(url.path), urllib.parse.parse_qs(url.query)
        if path == NEXT:
            status, headers, answer = self._next()
        elif match := DONE.fullmatch(path):
            finished = self._call
            finished["result"] = (match[1], json.loads(body))
            status, headers, answer = 202, {}, {}
        elif match := INVOKE.fullmatch(path):
            status, headers, answer = self._invoke(match[1], query.get("Qualifier", [""])[0], json.loads(body))
        elif path == "/v1/submitjob":
            status, headers, answer = self._submit(json.loads(body))
        elif path == "/v1/describejobs":
            self.actions.add(("batch:DescribeJobs", "*"))
            jobs = [self._describe(job) for job in json.loads(body)["jobs"]]
            status, headers, answer = 200, {}, {"jobs": jobs}
        else:
            status, headers, answer = 404, {}, {"message": f"there is no {path}"}
        answer = json.dumps(answer).encode()
        # A function that has been ended takes no answer any more.
        with contextlib.suppress(ConnectionError):
            request.send_response(status)
            for name, value in {**headers, "Content-Length": len(answer), "Content-Type": "application/json"}.items():
                request.send_header(name, str(value))
            request.end_headers()
            request.wfile.write(answer)
        if finished:
            finished["done"].set()

    def _invoke(self, name, alias, payload):
        self.actions.add(("lambda:InvokeFunction", f"function:{name}:{alias}"))
        function = name.removeprefix(f"{self.prefix}-")
        if name == function or alias != "live" or function not in ("ingest", "clean", "aggregate"):
            return 404, {"X-Amzn-ErrorType": "ResourceNotFoundException"}, {"Message": f"Function not found: {name}:{alias}"}
        self.calls.append((function, payload))
        with self._one:
            kind, answer = self._run(function, payload)
        if kind == "error":
            return 200, {"X-Amz-Function-Error": "Unhandled"}, answer
        answer["handed_over"] += self.hands_over.get(function, [])
        return 200, {}, answer

    def _run(self, function, payload):
        self._call = call = {"event": payload, "given": False, "done": threading.Event(), "over": threading.Event()}
        environment = {
            **self.settings,
            "AWS_LAMBDA_RUNTIME_API": self.address,
            "AWS_LAMBDA_FUNCTION_NAME": function,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_LOG_GROUP_NAME": "group",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
        }
        process = subprocess.Popen(
            [self.binaries / function], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            while not call["done"].wait(0.05):
                if process.poll() is not None:
                    return "error", {"errorMessage": f"{function} ended with status {process.returncode}"}
        finally:
            process.kill()
            process.wait()
            call["over"].set()
        return call["result"]

    def _next(self):
        call = self._call
        if call["given"]:
            call["over"].wait()
            return 500, {}, {}
        call["given"] = True
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "00000000-0000-0000-0000-000000000001",
            "Lambda-Runtime-Deadline-Ms": int((time.time() + 300) * 1000),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:000000000000:function:f",
        }
        return 200, headers, call["event"]

    def _submit(self, request):
        self.submitted.append(request)
        for kind, name in (("job-queue", request["jobQueue"]), ("job-definition", request["jobDefinition"])):
            self.actions.add(("batch:SubmitJob", f"{kind}/{name}"))
            if name != f"{self.prefix}-job":
                return 400, {"X-Amzn-ErrorType": "ClientException"}, {"message": f"there is no {kind} {name}"}
        job = f"00000000-0000-0000-0000-{len(self.submitted):012}"
        overrides = request["containerOverrides"]
        environment = {**self.settings, "AWS_BATCH_JOB_ID": job}
        environment |= {pair["name"]: pair["value"] for pair in overrides.get("environment", [])}
        self.processes[job] = subprocess.Popen(
            [self.binaries / "tributary", *overrides["command"]],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        return 200, {}, {"jobId": job, "jobName": request["jobName"]}

    def _describe(self, job):
        if job in self.scripted:
            statuses = self.scripted[job]
            status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        else:
            code = self.processes[job].poll()
            status = "RUNNING" if code is None else "SUCCEEDED" if code == 0 else "FAILED"
        name = f"{self.prefix}-job"
        arn = "arn:aws:batch:eu-west-1:000000000000"
        return {
            "jobId": job,
            "jobName": job,
            "status": status,
            "statusReason": "Essential container in task exited",
            "jobQueue": f"{arn}:job-queue/{name}",
            "jobDefinition": f"{arn}:job-definition/{name}:1",
            "startedAt": 0,
            "container": {
                "logStreamName": f"job/default/{job}",
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": f"/aws/batch/{name}"}},
            },
        }
