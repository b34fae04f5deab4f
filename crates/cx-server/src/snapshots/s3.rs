//! In: what the configuration says of a store. Kept: the same. Out: a bucket for one topic's snapshots.
//! Never knows: how a store is spoken to.

use super::{Access, Bucket, Keys};
use crate::property::Property;
use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

/// A store that speaks S3.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Store {
    bucket: String,
    prefix: String,
    region: Option<String>,
    endpoint: Option<String>,
    allow_http: bool,
    access_key_id: Option<Property>,
    secret_access_key: Option<Property>,
}

/// Puts a setting of the environment over one of the file.
pub(crate) type Over<'o> = &'o mut dyn FnMut(&str, &mut String) -> anyhow::Result<()>;

impl Store {
    /// The environment's settings over the file's; `None` where neither has any.
    pub(crate) fn overlaid(file: Option<Self>, over: Over<'_>) -> anyhow::Result<Option<Self>> {
        let mut known = file.is_some();
        let mut store = file.unwrap_or_default();
        let mut one = |name: &str| {
            let mut text = String::new();
            over(&format!("SNAPSHOTS_S3_{name}"), &mut text)?;
            known |= !text.is_empty();
            anyhow::Ok(Some(text).filter(|text| !text.is_empty()))
        };
        if let Some(bucket) = one("BUCKET")? {
            store.bucket = bucket;
        }
        if let Some(prefix) = one("PREFIX")? {
            store.prefix = prefix;
        }
        store.region = one("REGION")?.or(store.region);
        store.endpoint = one("ENDPOINT")?.or(store.endpoint);
        if let Some(yes) = one("ALLOW_HTTP")? {
            let wrong =
                || format!("WATCHFLOOR_SNAPSHOTS_S3_ALLOW_HTTP is {yes:?}: write true or false");
            store.allow_http = yes.parse().with_context(wrong)?;
        }
        let id = one("ACCESS_KEY_ID")?.map(Property::Plain);
        store.access_key_id = id.or(store.access_key_id);
        let secret = one("SECRET_ACCESS_KEY")?.map(Property::Plain);
        store.secret_access_key = secret.or(store.secret_access_key);
        Ok(known.then_some(store))
    }

    /// # Errors
    /// What is missing or cannot be, with what to write.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            !self.bucket.is_empty(),
            "snapshots.s3.bucket is missing: write its name"
        );
        ensure!(
            self.access_key_id.is_some() == self.secret_access_key.is_some(),
            "snapshots.s3.access_key_id and secret_access_key belong together: write both, or neither for AWS's usual environment variables"
        );
        match self.endpoint.as_deref() {
            None => {}
            Some(url) if url.starts_with("https://") => {}
            Some(url) if url.starts_with("http://") => ensure!(
                self.allow_http,
                "snapshots.s3.endpoint is {url:?}, in clear text: write https://, or allow_http: true where nobody can listen"
            ),
            Some(url) => bail!("snapshots.s3.endpoint is {url:?}: write https://host:port"),
        }
        Ok(())
    }

    /// The bucket's folder of a topic.
    ///
    /// # Errors
    /// A secret's file that cannot be read; settings that fit no store.
    pub(crate) fn open(&self, topic: &str) -> anyhow::Result<Bucket> {
        let read = |property: &Option<Property>, name: &str| {
            let read = |p: &Property| p.read(&format!("snapshots.s3.{name}"));
            property.as_ref().map(read).transpose()
        };
        let id = read(&self.access_key_id, "access_key_id")?;
        let secret = read(&self.secret_access_key, "secret_access_key")?;
        let access = Access {
            bucket: self.bucket.clone(),
            prefix: self.prefix.trim_matches('/').to_owned(),
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            allow_http: self.allow_http,
            keys: id.zip(secret).map(|(id, secret)| Keys { id, secret }),
        };
        Ok(Bucket::open(&access, topic)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, environment: &[(&str, &str)], expected: Result<(), &str>) {
        let file = (!text.is_empty()).then(|| serde_saphyr::from_str(text).expect("a form"));
        let store = Store::overlaid(file, &mut |name, text| {
            let found = environment.iter().find(|(n, _)| *n == name);
            if let Some((_, value)) = found {
                (*value).clone_into(text);
            }
            Ok(())
        });
        let checked = store.and_then(|store| store.expect("a store").check());
        match (checked, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(words)) => {
                let error = format!("{error:#}");
                assert!(error.contains(words), "{error}");
            }
            (got, _) => panic!("{text}: {got:?}"),
        }
    }

    #[test]
    fn a_store_comes_from_the_file_and_the_environment_and_what_is_wrong_is_named() {
        check("bucket: b", &[], Ok(()));
        check("", &[("SNAPSHOTS_S3_BUCKET", "b")], Ok(()));
        check("prefix: p", &[], Err("snapshots.s3.bucket is missing"));
        check(
            "{bucket: b, access_key_id: me}",
            &[],
            Err("belong together"),
        );
        check(
            "{bucket: b, access_key_id: me}",
            &[("SNAPSHOTS_S3_SECRET_ACCESS_KEY", "hush")],
            Ok(()),
        );
        check(
            "{bucket: b, endpoint: store}",
            &[],
            Err("write https://host:port"),
        );
        let clear = "{bucket: b, endpoint: 'http://127.0.0.1:1'}";
        check(clear, &[], Err("clear text"));
        check(clear, &[("SNAPSHOTS_S3_ALLOW_HTTP", "true")], Ok(()));
        check(
            clear,
            &[("SNAPSHOTS_S3_ALLOW_HTTP", "yes")],
            Err("write true or false"),
        );
    }
}
