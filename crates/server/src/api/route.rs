//! One route: how it is answered, and what it says about itself, both from its handler's type.
//!
//! A handler is `async fn(App, Needs<R>, …) -> Result<A, Refused>`: first the right that it
//! needs, then what it reads, at last what it answers. One that names no right does not
//! compile as an [`Endpoint`], and there is no other way into the table. The OpenAPI document
//! is written from the same types, so it cannot say anything else than what is done.

use std::collections::BTreeMap;
use std::future::Future;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use http::request::Parts;
use serde_json::Value;

use super::answer::Answer;
use super::argument::Argument;
use super::right::{Needs, Right};
use super::schema::{Reference, refer};
use crate::app::App;

/// A request, while its parts are being read.
pub(super) struct Incoming {
    pub(super) parts: Parts,
    pub(super) body: Body,
}

/// A parameter's name, and its schema with what it is about.
pub(super) type Parameter = (&'static str, Value);

/// What a route says about itself.
pub(super) struct Operation {
    pub(super) method: Method,
    /// As the router reads it: `/api/v1/tokens/{id}`.
    pub(super) path: &'static str,
    /// Its name in generated clients.
    pub(super) id: &'static str,
    /// What it does, in a few words.
    pub(super) summary: &'static str,
    /// What has to be presented; a name of a security scheme and the scopes that are needed.
    pub(super) security: Option<(&'static str, Vec<&'static str>)>,
    /// The right, in words.
    pub(super) right: &'static str,
    /// Parameters of the query, each with its schema.
    pub(super) query: Vec<Parameter>,
    /// The schema of the body, if it has one.
    pub(super) body: Option<Reference>,
    /// The media type of what it answers, if that is no JSON.
    pub(super) media: Option<&'static str>,
    /// By status: what it means, and the schema of the body if there is one.
    pub(super) answers: BTreeMap<u16, (&'static str, Option<Reference>)>,
}

impl Operation {
    /// That it may be refused with these statuses. All refusals are RFC 9457 problems.
    pub(super) fn may_refuse(&mut self, statuses: impl IntoIterator<Item = u16>) {
        for status in statuses {
            let what = match status {
                400 => "Something that was sent cannot be used; `code` says what.",
                401 => "No credential, or one that is not good (any more).",
                403 => "The credential, or the role of whoever has it, does not allow this.",
                404 => "There is no such thing, or it is somebody else's.",
                408 => "The body took too long to arrive.",
                409 => "Something stands in the way; `code` says what.",
                413 => "The body is too large.",
                415 => "The body is not JSON.",
                429 => {
                    "Too many requests from this network; come back after `Retry-After` seconds."
                }
                _ => "The server cannot answer now; nothing was changed.",
            };
            self.answers.entry(status).or_insert((what, Some(refer::<super::schema::Problem>)));
        }
    }

    /// The names of the parameters in its path.
    pub(super) fn path_parameters(&self) -> Vec<&'static str> {
        let parts = self.path.split('/').filter_map(|part| part.strip_prefix('{'));
        parts.filter_map(|part| part.strip_suffix('}')).collect()
    }
}

/// A function that can stand behind a route.
pub(super) trait Endpoint<T>: Clone + Send + Sync + 'static {
    /// The right that it names first.
    type Right: Right;

    /// Adds what its types say.
    fn describe(operation: &mut Operation);

    /// Reads what it needs, and answers.
    fn answer(self, incoming: Incoming, app: App) -> impl Future<Output = Response> + Send;
}

macro_rules! endpoint {
    ($($arg:ident),*) => {
        impl<F, Fut, A, R, $($arg,)*> Endpoint<(R, $($arg,)*)> for F
        where
            F: Fn(App, Needs<R>, $($arg),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = A> + Send,
            A: Answer,
            R: Right,
            $($arg: Argument,)*
        {
            type Right = R;

            fn describe(operation: &mut Operation) {
                R::describe(operation);
                $($arg::describe(operation);)*
                A::describe(operation);
            }

            #[allow(non_snake_case, reason = "the names of types name their values")]
            async fn answer(self, mut incoming: Incoming, app: App) -> Response {
                let needs = match R::admit(&mut incoming, &app).await {
                    Ok(who) => Needs(who),
                    Err(refusal) => return refusal,
                };
                $(let $arg = match $arg::take(&mut incoming, &app).await {
                    Ok(value) => value,
                    Err(refusal) => return refusal,
                };)*
                self(app, needs, $($arg),*).await.respond()
            }
        }
    };
}

endpoint!();
endpoint!(One);
endpoint!(One, Two);
endpoint!(One, Two, Three);

/// Builds what the router takes; the guard around it needs the application.
type Build = dyn Fn(&App) -> MethodRouter<App>;

/// A row of the table of routes.
pub(super) struct Route {
    pub(super) operation: Operation,
    on: Box<Build>,
}

impl Route {
    /// `handler` answers `method` at `path`. `id` is its name in generated clients.
    pub(super) fn new<T, E: Endpoint<T>>(
        method: Method,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        handler: E,
    ) -> Self {
        let mut operation = Operation {
            method: method.clone(),
            path,
            id,
            summary,
            security: None,
            right: "",
            query: Vec::new(),
            body: None,
            media: None,
            answers: BTreeMap::new(),
        };
        E::describe(&mut operation);
        if !operation.path_parameters().is_empty() {
            operation.may_refuse([400, 404]);
        }
        operation.may_refuse([429, 503]);
        let on = move |app: &App| {
            let handler = handler.clone();
            let answer = move |State(app): State<App>, request: Request| {
                let (parts, body) = request.into_parts();
                handler.clone().answer(Incoming { parts, body }, app)
            };
            let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
            E::Right::guarded(on(filter, answer), app)
        };
        Self { operation, on: Box::new(on) }
    }

    /// That the handler itself refuses with these statuses, too.
    pub(super) fn or(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.operation.may_refuse(statuses);
        self
    }

    /// As the router takes it.
    pub(super) fn on(&self, app: &App) -> MethodRouter<App> {
        (self.on)(app)
    }
}
