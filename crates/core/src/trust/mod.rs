//! Trust: which outside identities are let in, and what they may do here.
//!
//! A CI job has an identity of its own: a short JWT that its platform signs. A [`Policy`] says
//! which of them are let in. It is a list of [`Condition`]s on named claims, each exact, one of a
//! list, or for refs and environments a [`Pattern`]; it never matches text over `sub`, of which
//! GitHub alone has two forms (`repo:acme/warehouse:…`, and `repo:acme@123/warehouse@456:…`).
//!
//! Everything here is pure: the server decides with [`examine`], the pages explain with it, and
//! a command line on a laptop says the same about a file.
//!
//! | module | what |
//! |---|---|
//! | `claims` | what a token says, read strictly |
//! | `platform` | GitHub, GitLab, CircleCI, Buildkite, Kubernetes: what their claims mean |
//! | `pattern` | `*` and `**`, written down |
//! | `condition` | one condition on one claim |
//! | `policy` | conditions, and what whoever meets them gets |
//! | `line` | policies as Roboticks' page writes them |
//! | `subject` | GitHub's `sub`, in both of its forms |
//! | `examine` | whether claims meet a policy, condition by condition; the nearest policy |
//! | `least` | the least policy that would have let somebody in |
//! | `danger` | what is dangerous about a policy |
//! | `sentence` | what a policy allows, in words |

mod claims;
mod condition;
mod danger;
mod examine;
mod least;
mod line;
mod pattern;
mod platform;
mod policy;
mod sentence;
mod subject;
#[cfg(test)]
mod tests;

pub use claims::{Claim, Claims, MAX_CLAIMS_LEN};
pub use condition::{BadCondition, Condition, Test};
pub use danger::{Danger, dangers};
pub use examine::{Changed, Check, Examined, Standing, examine, nearest_first};
pub use least::least;
pub use line::{BadLine, Line, parse_line};
pub use pattern::{BadPattern, Pattern};
pub use platform::{GITHUB, GITLAB, Platform};
pub use policy::{BadPolicy, MAX_TTL, Pin, Policy};
pub use sentence::sentence;
pub use subject::{BadSubject, GithubSubject};
