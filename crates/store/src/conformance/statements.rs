//! Every declared statement can be prepared, with parameters of the types that we bind.

use crate::db::{Db, Statement};
use crate::{
    Store, agent_secrets, agents, approvals, audit, clients, codes, copies, credentials, devices,
    failures, grants, identities, image, invitations, keys, legacy, local, mail, members, moving,
    orgs, others, projects, proofs, refresh, reminders, resources, rotation, sealing, sessions,
    settings, setup, signing_keys, tidy, tombstones, transfer, trust, users,
};

pub(crate) const ALL: &[&[&Statement]] = &[
    agent_secrets::STATEMENTS,
    agents::STATEMENTS,
    approvals::STATEMENTS,
    audit::STATEMENTS,
    clients::STATEMENTS,
    codes::STATEMENTS,
    copies::STATEMENTS,
    credentials::STATEMENTS,
    devices::STATEMENTS,
    failures::STATEMENTS,
    grants::STATEMENTS,
    identities::STATEMENTS,
    image::STATEMENTS,
    invitations::STATEMENTS,
    keys::STATEMENTS,
    legacy::STATEMENTS,
    local::STATEMENTS,
    mail::STATEMENTS,
    members::STATEMENTS,
    moving::STATEMENTS,
    orgs::STATEMENTS,
    others::STATEMENTS,
    projects::STATEMENTS,
    proofs::STATEMENTS,
    refresh::STATEMENTS,
    reminders::STATEMENTS,
    resources::STATEMENTS,
    rotation::STATEMENTS,
    sealing::STATEMENTS,
    sessions::STATEMENTS,
    settings::STATEMENTS,
    setup::STATEMENTS,
    signing_keys::STATEMENTS,
    tidy::STATEMENTS,
    tombstones::STATEMENTS,
    transfer::STATEMENTS,
    trust::STATEMENTS,
    trust::jobs::STATEMENTS,
    trust::pins::STATEMENTS,
    users::STATEMENTS,
];

pub(super) async fn all_can_be_prepared(store: Store) {
    let engine = store.engine();
    for statement in ALL.iter().copied().flatten().copied() {
        let prepared = match store.db() {
            Db::Sqlite(db) => db.prepare(statement),
            Db::Postgres(db) => db.prepare(statement).await,
        };
        assert_eq!(prepared, Ok(()), "{engine:?}: {}", statement.sql(engine));
    }
}
