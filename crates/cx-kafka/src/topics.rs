//! In: what topics must be like. Kept: one admin client. Out: topics that are made, or what is
//! wrong with those that are there. Never knows: what they are for.

use crate::ear::unreachable;
use crate::logs::Logs;
use crate::{ClientSettings, Error};
use cx_model::record::TimestampKind;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;

/// What a topic must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Exactly so many partitions.
    pub partitions: u32,
    /// Copies of each partition when it is made.
    pub replication: u32,
    /// Who stamps records.
    pub stamps: TimestampKind,
    /// How long records are kept at least, ms; `None`: for ever.
    pub retention_ms: Option<i64>,
    /// Largest record that it must take, bytes.
    pub largest: u32,
}

/// What is not as planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Topic.
    pub topic: String,
    /// Which of its settings: `topic` where it is not there at all.
    pub setting: &'static str,
    /// What it is.
    pub found: String,
    /// What it must be.
    pub wanted: String,
    /// What to do.
    pub fix: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {} is {}, must be {}; {}",
            self.topic, self.setting, self.found, self.wanted, self.fix
        )
    }
}

/// Makes and checks topics of an Apache Kafka cluster. (The embedded broker has no such door.)
pub struct Topics {
    admin: AdminClient<Logs>,
    /// Asks which topics there are; an admin client does not tell why it fails.
    eye: BaseConsumer<Logs>,
    settings: ClientSettings,
}

impl Topics {
    /// Makes an admin client; connecting happens in the background.
    ///
    /// # Errors
    /// [`Error::Client`].
    pub fn open(settings: &ClientSettings) -> Result<Self, Error> {
        let admin = settings.admin().create_with_context(Logs::default());
        let eye = settings.consumer().create_with_context(Logs::default());
        Ok(Self {
            admin: admin.map_err(|e| settings.refused(&e))?,
            eye: eye.map_err(|e| settings.refused(&e))?,
            settings: settings.clone(),
        })
    }

    /// Makes the topics that are not there; the names of those it made.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Other`] with the broker's words.
    pub async fn create(&self, plans: &[Plan]) -> Result<Vec<String>, Error> {
        self.partitions()?;
        let settings: Vec<Vec<(&str, String)>> = plans.iter().map(Plan::settings).collect();
        let new = plans.iter().zip(&settings).map(|(plan, settings)| {
            let (partitions, copies) = (native(plan.partitions), native(plan.replication));
            let replication = TopicReplication::Fixed(copies);
            let topic = NewTopic::new(&plan.name, partitions, replication);
            settings.iter().fold(topic, |t, (k, v)| t.set(k, v))
        });
        let new: Vec<NewTopic<'_>> = new.collect();
        let results = self.admin.create_topics(&new, &self.patience()).await;
        let mut made = Vec::new();
        for result in results.map_err(|e| self.other(&e.to_string()))? {
            match result {
                Ok(name) => made.push(name),
                Err((_, Code::TopicAlreadyExists)) => {}
                Err((name, Code::InvalidReplicationFactor)) => {
                    let detail = format!(
                        "{name}: the cluster has fewer brokers than copies were asked for; set kafka.replication"
                    );
                    return Err(self.other(&detail));
                }
                Err((name, code)) => return Err(self.other(&format!("{name}: {code}"))),
            }
        }
        Ok(made)
    }

    /// Removes topics, with all their records; those that are not there are no error.
    ///
    /// # Errors
    /// [`Error::Other`] with the broker's words.
    pub async fn delete(&self, names: &[&str]) -> Result<(), Error> {
        let results = self.admin.delete_topics(names, &self.patience()).await;
        for result in results.map_err(|e| self.other(&e.to_string()))? {
            match result {
                Ok(_) | Err((_, Code::UnknownTopicOrPartition)) => {}
                Err((name, code)) => return Err(self.other(&format!("{name}: {code}"))),
            }
        }
        Ok(())
    }

    /// Removes the records below an offset of each given partition, as retention would.
    ///
    /// # Errors
    /// [`Error::Other`] with the broker's words.
    pub async fn trim(&self, topic: &str, to: &[(u32, i64)]) -> Result<(), Error> {
        let mut offsets = TopicPartitionList::with_capacity(to.len());
        for (partition, offset) in to {
            offsets
                .add_partition_offset(topic, native(*partition), Offset::Offset(*offset))
                .map_err(|e| self.other(&e.to_string()))?;
        }
        let trimmed = self.admin.delete_records(&offsets, &self.patience()).await;
        for partition in trimmed.map_err(|e| self.other(&e.to_string()))?.elements() {
            partition
                .error()
                .map_err(|e| self.other(&format!("{topic}: {e}")))?;
        }
        Ok(())
    }

    /// Everything about the topics that is not as planned.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Other`] with the broker's words.
    pub async fn check(&self, plans: &[Plan]) -> Result<Vec<Fault>, Error> {
        let found = self.partitions()?;
        let mut faults = Vec::new();
        let mut there = Vec::new();
        for plan in plans {
            match found.get(&plan.name) {
                None => faults.push(plan.missing()),
                Some((partitions, copies)) => {
                    faults.extend(plan.wrong_count(*partitions));
                    there.push((plan, *copies));
                }
            }
        }
        let asked: Vec<ResourceSpecifier<'_>> = there
            .iter()
            .map(|(plan, _)| ResourceSpecifier::Topic(&plan.name))
            .collect();
        if asked.is_empty() {
            return Ok(faults);
        }
        let described = self.admin.describe_configs(&asked, &self.patience()).await;
        let described = described.map_err(|e| self.other(&e.to_string()))?;
        for ((plan, copies), resource) in there.iter().zip(described) {
            let resource =
                resource.map_err(|code| self.other(&format!("{}: {code}", plan.name)))?;
            faults.extend(plan.wrong_settings(*copies, &resource));
        }
        Ok(faults)
    }

    /// All topics of the cluster: partitions, and copies of the first one.
    fn partitions(&self) -> Result<BTreeMap<String, (u32, usize)>, Error> {
        let patience = self.settings.patience();
        let metadata = self.eye.fetch_metadata(None, patience);
        let metadata = metadata.map_err(|e| unreachable(&self.eye, &self.settings, &e))?;
        let all = metadata.topics().iter().map(|topic| {
            let count = u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX);
            let copies = topic.partitions().first().map_or(0, |p| p.replicas().len());
            (topic.name().to_owned(), (count, copies))
        });
        Ok(all.collect())
    }

    fn patience(&self) -> AdminOptions {
        let patience = Some(self.settings.patience());
        AdminOptions::new()
            .request_timeout(patience)
            .operation_timeout(patience)
    }

    fn other(&self, detail: &str) -> Error {
        Error::Other {
            bootstrap: self.settings.bootstrap().to_owned(),
            detail: detail.to_owned(),
        }
    }
}

impl Plan {
    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("cleanup.policy", "delete".to_owned()),
            ("message.timestamp.type", stamp_name(self.stamps).to_owned()),
            ("retention.ms", self.retention_ms.unwrap_or(-1).to_string()),
            ("retention.bytes", "-1".to_owned()),
            ("max.message.bytes", self.largest.to_string()),
        ];
        if self.replication >= 3 {
            settings.push(("min.insync.replicas", "2".to_owned()));
        }
        settings
    }

    fn fault(&self, setting: &'static str, found: &str, wanted: &str, fix: String) -> Fault {
        Fault {
            topic: self.name.clone(),
            setting,
            found: found.to_owned(),
            wanted: wanted.to_owned(),
            fix,
        }
    }

    fn missing(&self) -> Fault {
        let fix = "make it with `watchfloor topics create`".to_owned();
        self.fault("topic", "missing", "there", fix)
    }

    fn wrong_count(&self, found: u32) -> Option<Fault> {
        let fix = "the count decides where a customer lives and can never change: correct the configuration, or take new topics (another prefix)";
        let wrong = found != self.partitions;
        wrong.then(|| {
            let (found, wanted) = (found.to_string(), self.partitions.to_string());
            self.fault("partitions", &found, &wanted, fix.to_owned())
        })
    }

    fn wrong_settings(&self, copies: usize, resource: &ConfigResource) -> Vec<Fault> {
        let value = |name: &str| {
            let entry = resource.get(name).and_then(|e| e.value.clone());
            entry.unwrap_or_default()
        };
        let alter = |name: &str, to: &str| {
            format!(
                "set it: kafka-configs.sh --alter --entity-type topics --entity-name {} --add-config {name}={to}",
                self.name
            )
        };
        let mut faults = Vec::new();
        let policy = value("cleanup.policy");
        if policy != "delete" {
            let fix = alter("cleanup.policy", "delete");
            faults.push(self.fault("cleanup.policy", &policy, "delete", fix));
        }
        let stamps = value("message.timestamp.type");
        if stamps != stamp_name(self.stamps) {
            let fix = "a log keeps the times it was written with: take new topics (another prefix), or say kafka.history: true for one that was made with --history".to_owned();
            let wanted = stamp_name(self.stamps);
            faults.push(self.fault("message.timestamp.type", &stamps, wanted, fix));
        }
        let kept = |name: &'static str, least: Option<i64>| {
            let text = value(name);
            let found: i64 = text.parse().unwrap_or(0);
            let enough = found < 0 || least.is_some_and(|least| found >= least);
            let wanted = least.unwrap_or(-1).to_string();
            (!enough).then(|| self.fault(name, &text, &wanted, alter(name, &wanted)))
        };
        faults.extend(kept("retention.ms", self.retention_ms));
        faults.extend(kept("retention.bytes", None));
        let largest = value("max.message.bytes");
        if largest.parse().unwrap_or(0) < self.largest {
            let wanted = self.largest.to_string();
            let fix = alter("max.message.bytes", &wanted);
            faults.push(self.fault("max.message.bytes", &largest, &wanted, fix));
        }
        let least = value("min.insync.replicas");
        if copies >= 3 && least.parse().unwrap_or(0) < 2 {
            let fix = alter("min.insync.replicas", "2");
            faults.push(self.fault("min.insync.replicas", &least, "2 or more", fix));
        }
        faults
    }
}

fn stamp_name(kind: TimestampKind) -> &'static str {
    match kind {
        TimestampKind::LogAppend => "LogAppendTime",
        TimestampKind::Create => "CreateTime",
    }
}

fn native(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
