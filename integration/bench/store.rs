//! The bench's own store of compiled packages: a server that speaks S3, and slow roads to it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cases::CASES;
use crate::objects::{BUCKET, KEY, Objects, Road, SECRET};

/// A running store; it ends with the value.
pub(crate) struct Store {
    objects: Objects,
    /// By milliseconds each way.
    roads: BTreeMap<u64, Road>,
}

impl Store {
    /// Starts an empty store, and a road of each length that a case has.
    pub(crate) fn start() -> Self {
        let objects = Objects::start();
        let lengths = CASES.iter().filter_map(|case| case.latency);
        let roads = lengths.map(|length| {
            let road = Road::to(objects.address(), Duration::from_millis(length));
            (length, road)
        });
        let roads = roads.collect();
        Self { objects, roads }
    }

    /// Returns the address of what is kept under a name.
    pub(crate) fn url(name: &str) -> String {
        format!("s3://{BUCKET}/{name}")
    }

    /// Returns the variables by which a program finds it, so many milliseconds away.
    pub(crate) fn variables(&self, latency: Option<u64>) -> [(&'static str, String); 4] {
        let road = latency.and_then(|length| self.roads.get(&length));
        let address = road.map_or(self.objects.address(), Road::address);
        [
            ("AWS_ENDPOINT_URL", format!("http://{address}")),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }
}
