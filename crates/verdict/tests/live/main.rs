//! The image that answers without asking: against a naive model, refusal by refusal, with
//! many threads, and by weight.

mod model;
mod narrowing;
mod refusals;
mod threads;
mod town;
mod weight;
