//! How a registry is asked: again if it is busy, with a login if it wants one, and elsewhere if it
//! leads there.
//!
//! Logins are for the registry that was named alone: one that it leads to gets none and cannot ask
//! for one.

use std::time::Duration;

use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{RequestBuilder, Response, StatusCode, Url};

use super::ask::{Ask, Question};
use super::challenge::{self, Challenge};
use super::client::clients;
use super::{Registry, RegistryError, body, host};
use crate::buildkit::session::auth::{Credentials, bearer, is_loopback, is_same_origin};
use crate::oci::Reference;

/// How often a registry is asked that is busy or fails.
const ATTEMPTS: u32 = 3;
/// How long it is left alone after the first failure; twice as long after the next.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a question is led from one server to another.
const REDIRECTS: u32 = 5;
/// How much of a refusal is read.
const LONGEST: usize = 64 << 10;

impl Registry {
    /// Asks, without TLS where that is allowed and nobody speaks it.
    pub(super) async fn ask(
        &self,
        reference: &Reference,
        ask: Ask<'_>,
    ) -> Result<Response, RegistryError> {
        let question = Question {
            reference,
            host: host(reference),
            ask,
        };
        let url = question.url("https")?;
        let may_be_plain = self.insecure || is_loopback(&url);
        match self.attempts(&question, &url).await {
            Err(RegistryError::Reach { .. }) if may_be_plain => {
                self.attempts(&question, &question.url("http")?).await
            }
            answered => answered,
        }
    }

    /// Makes the client that the registry is asked with, which the first question would do otherwise.
    pub(super) fn make_client(&self, reference: &Reference) -> Result<(), RegistryError> {
        let question = Question {
            reference,
            host: host(reference),
            ask: Ask::Head,
        };
        clients(self.insecure).client(&question.url("https")?)?;
        Ok(())
    }

    /// Asks; a registry that is busy or fails is asked again.
    async fn attempts(
        &self,
        question: &Question<'_>,
        url: &Url,
    ) -> Result<Response, RegistryError> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match self.attempt(question, url).await {
                Err(RegistryError::Refused { status, .. }) if is_passing(status) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                answered => return answered,
            }
        }
        self.attempt(question, url).await
    }

    async fn attempt(&self, question: &Question<'_>, url: &Url) -> Result<Response, RegistryError> {
        let place = (url.origin().ascii_serialization(), question.scope());
        let known = self.logins.get(&place);
        let mut response = self.send(question, url, &known).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.logins.forget(&place);
            if let Some(challenge) = wanted(&response, url) {
                let login = self.log_in(question, &challenge).await?;
                response = self.send(question, url, &login).await?;
                self.logins.remember(place, login);
            }
        }
        match response.status().is_success() {
            true => Ok(response),
            false => Err(refused(question.host, response).await),
        }
    }

    /// Sends a question, and again to where its answer leads.
    async fn send(
        &self,
        question: &Question<'_>,
        url: &Url,
        login: &Credentials,
    ) -> Result<Response, RegistryError> {
        let (mut at, mut left) = (url.clone(), REDIRECTS);
        loop {
            let client = clients(self.insecure).client(&at)?;
            let request = question.ask.request(&client, at.clone());
            let (request, host) = match is_same_origin(&at, url) {
                true => (with(request, login), question.host),
                false => (request, at.host_str().unwrap_or(question.host)),
            };
            let response = request.send().await;
            let response = response.map_err(|error| RegistryError::Reach {
                host: host.to_owned(),
                source: error.without_url(),
            })?;
            match question.ask.next(&response) {
                Some(next) if left > 0 => (at, left) = (next, left - 1),
                _ => return Ok(response),
            }
        }
    }

    /// Returns the login that the registry asks for.
    async fn log_in(
        &self,
        question: &Question<'_>,
        challenge: &Challenge,
    ) -> Result<Credentials, RegistryError> {
        let credentials = self.credentials.credentials_for(question.host).await?;
        Ok(match (challenge, credentials) {
            (_, login @ Credentials::RegistryToken(_))
            | (Challenge::Basic, login @ Credentials::Password { .. }) => login,
            (Challenge::Basic, _) => Credentials::Anonymous,
            (Challenge::Bearer { realm, service }, _) => {
                let (store, clients) = (&self.credentials, clients(self.insecure));
                let (host, scope) = (question.host, question.scope());
                let token = bearer(store, clients, host, realm, service, scope).await?;
                Credentials::RegistryToken(token)
            }
        })
    }
}

/// Adds a login to a request.
fn with(request: RequestBuilder, login: &Credentials) -> RequestBuilder {
    match login {
        Credentials::Password { username, password } => {
            request.basic_auth(username, Some(password))
        }
        Credentials::RegistryToken(token) => request.bearer_auth(token),
        Credentials::Anonymous | Credentials::IdentityToken(_) => request,
    }
}

/// Returns how to log in, if it is the registry itself that says so.
fn wanted(response: &Response, url: &Url) -> Option<Challenge> {
    if !is_same_origin(response.url(), url) {
        return None;
    }
    let asked = response.headers().get_all(WWW_AUTHENTICATE).iter();
    challenge::first(asked.filter_map(|value| value.to_str().ok()))
}

/// Tells whether it may go better the next time.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Returns a refusal with the registry's own words.
async fn refused(host: &str, mut response: Response) -> RegistryError {
    let status = response.status();
    let body = body(&mut response, LONGEST).await;
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = answer["errors"][0]["message"].as_str();
    RegistryError::Refused {
        host: host.to_owned(),
        status,
        detail: message.map_or_else(String::new, |message| format!(": {message}")),
    }
}
