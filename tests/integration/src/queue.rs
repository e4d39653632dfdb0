//! A queue of an emulator.

use serde_json::{Value, json};

use crate::emulator::Emulator;

/// A queue, by its URL.
pub struct Queue<'a> {
    emulator: &'a Emulator,
    url: String,
}

/// A message that was received.
pub struct Message {
    /// Its id, the same at each delivery.
    pub id: String,
    /// What deletes this delivery.
    pub receipt: String,
    /// Its text.
    pub body: String,
}

impl<'a> Queue<'a> {
    /// A queue that is there.
    pub fn at(emulator: &'a Emulator, url: &str) -> Self {
        Self { emulator, url: url.to_owned() }
    }

    /// Makes a queue with attributes.
    pub fn create(emulator: &'a Emulator, name: &str, attributes: &[(&str, &str)]) -> Self {
        let attributes = attributes.iter().enumerate().map(|(at, (name, value))| {
            let at = at + 1;
            format!("&Attribute.{at}.Name={name}&Attribute.{at}.Value={}", encode(value))
        });
        let more = format!("&QueueName={name}{}", attributes.collect::<String>());
        let answer = call(emulator, "CreateQueue", &more);
        Self { emulator, url: parts(&answer, "QueueUrl").next().expect(&answer) }
    }

    /// The ARN.
    pub fn arn(&self) -> String {
        self.attribute("QueueArn")
    }

    /// How many messages there are, those that are being worked on included.
    pub fn messages(&self) -> u64 {
        let number = |name| -> u64 { self.attribute(name).parse().expect("a number") };
        number("ApproximateNumberOfMessages") + number("ApproximateNumberOfMessagesNotVisible")
    }

    fn attribute(&self, name: &str) -> String {
        let answer = self.call("GetQueueAttributes", "&AttributeName.1=All");
        let found = answer.split(&format!("<Name>{name}</Name>")).nth(1).expect(&answer);
        parts(found, "Value").next().expect(&answer)
    }

    /// At most ten messages, after a second at most.
    pub fn receive(&self) -> Vec<Message> {
        let answer = self.call("ReceiveMessage", "&MaxNumberOfMessages=10&WaitTimeSeconds=1");
        let all = ["MessageId", "ReceiptHandle", "Body"].map(|tag| parts(&answer, tag).collect::<Vec<_>>());
        let [ids, receipts, bodies] = all;
        let together = ids.into_iter().zip(receipts).zip(bodies);
        together.map(|((id, receipt), body)| Message { id, receipt, body }).collect()
    }

    /// Deletes a message.
    pub fn delete(&self, message: &Message) {
        self.call("DeleteMessage", &format!("&ReceiptHandle={}", encode(&message.receipt)));
    }

    /// Moves all messages to another queue, as `aws sqs start-message-move-task` does, which emulators do not know.
    pub fn redrive(&self, to: &Queue<'_>) {
        for message in self.receive() {
            to.call("SendMessage", &format!("&MessageBody={}", encode(&message.body)));
            self.delete(&message);
        }
    }

    fn call(&self, action: &str, more: &str) -> String {
        call(self.emulator, action, &format!("&QueueUrl={}{more}", encode(&self.url)))
    }
}

impl Message {
    /// As Lambda gets it.
    pub fn record(&self) -> Value {
        json!({"eventSource": "aws:sqs", "messageId": self.id, "receiptHandle": self.receipt, "body": self.body})
    }
}

fn call(emulator: &Emulator, action: &str, more: &str) -> String {
    let answer = emulator.call("sqs", "GET", &format!("/?Action={action}&Version=2012-11-05{more}"), b"");
    assert_eq!(answer.status, 200, "{action}: {answer:?}");
    answer.body
}

/// The texts between a tag and its end.
fn parts(xml: &str, tag: &str) -> impl Iterator<Item = String> {
    xml.split(&format!("<{tag}>"))
        .skip(1)
        .map(|rest| {
            let text = rest.split('<').next().unwrap_or_default();
            let text =
                text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&apos;", "'").replace("&#x27;", "'");
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&#13;", "\r").replace("&amp;", "&")
        })
        .collect::<Vec<_>>()
        .into_iter()
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
