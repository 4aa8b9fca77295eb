//! The options that may change while a client runs, as they are now.

use std::time::Duration;

use crate::config::Config;
use crate::connection::pool_state::Limits;

/// The options of a [`Config`] that [`Client::configure`](crate::Client::configure) changes; what they mean stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of Config of the same names have them")]
pub struct Settings {
    pub dial_timeout: Duration,
    pub tend_interval: Duration,
    pub min_connections_per_node: u32,
    pub max_connections_per_node: u32,
    pub max_idle: Duration,
    pub use_alternate_services: bool,
    pub max_error_rate: u32,
    pub error_rate_window: u32,
    pub app_id: Option<String>,
    pub preferred_racks: Vec<u32>,
}

impl Settings {
    /// Those of a configuration.
    pub fn of(config: &Config) -> Self {
        Self {
            dial_timeout: config.dial_timeout,
            tend_interval: config.tend_interval,
            min_connections_per_node: config.min_connections_per_node,
            max_connections_per_node: config.max_connections_per_node,
            max_idle: config.max_idle,
            use_alternate_services: config.use_alternate_services,
            max_error_rate: config.max_error_rate,
            error_rate_window: config.error_rate_window,
            app_id: config.app_id.clone(),
            preferred_racks: config.preferred_racks.clone(),
        }
    }

    /// A configuration with these.
    pub(crate) fn into_config(self, base: &Config) -> Config {
        Config {
            dial_timeout: self.dial_timeout,
            tend_interval: self.tend_interval,
            min_connections_per_node: self.min_connections_per_node,
            max_connections_per_node: self.max_connections_per_node,
            max_idle: self.max_idle,
            use_alternate_services: self.use_alternate_services,
            max_error_rate: self.max_error_rate,
            error_rate_window: self.error_rate_window,
            app_id: self.app_id,
            preferred_racks: self.preferred_racks,
            ..base.clone()
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            min: self.min_connections_per_node as usize,
            max: self.max_connections_per_node as usize,
            max_idle: self.max_idle,
        }
    }
}
