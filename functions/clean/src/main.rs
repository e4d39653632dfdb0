//! The Lambda function `clean`.

#![recursion_limit = "256"] // the futures of the AWS SDK are deep

use clean::handler::handle;
use lake::function::{Deadline, Function, or_exit};
use lake::settings::Environment;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lake::telemetry::start_logs();
    let function = &or_exit(Function::from_environment(&Environment::of_process()));
    run(service_fn(async |event: LambdaEvent<Value>| {
        let deadline = Deadline::at(event.context.deadline());
        let lake = function.lake().await.map_err(|error| failed(error.to_string()))?;
        handle(&lake, &event.payload, deadline).await.map_err(failed)
    }))
    .await
}

/// The error as Lambda reports it to the caller. Queues and schedules look at no answer, so it is in the log as well.
fn failed(error_message: String) -> Diagnostic {
    tracing::error!(error = error_message, "the call failed");
    Diagnostic { error_type: "CleanFailed".to_owned(), error_message }
}
