//! matchbox's API over gRPC with certificates on both sides: what its provider of Terraform and `bootcmd` write becomes files of the data
//! directory. Nothing here decides; what a machine gets follows from those files, and arms nobody.

mod message;
mod record;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use bootwright_config::Rpc;
use bootwright_proto::compat::go;
use hyper::{Request, Response};
use serde_json::{Value, json};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service};
use tonic::server::Grpc;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use message::{
    Document, Group, Groups, Labels, NetBoot, Nothing, OfGroup, OfProfile, Profile, Profiles, PutDocument, Which,
};
use record::{Kind, Record};

/// The longest message that is read: a document and its name.
const MESSAGE_BYTES_MAX: usize = 2 << 20;

/// How long the handshake of certificates may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// How many calls one client has under way.
const CALLS_MAX: u8 = 16;

/// The API over one data directory.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    record: Arc<Record>,
}

impl Api {
    pub(crate) fn new(data_dir: &str) -> Self {
        Self {
            record: Arc::new(Record::new(data_dir)),
        }
    }

    fn put_group(&self, asked: OfGroup) -> Result<Nothing, Status> {
        let group = asked.group.ok_or_else(|| unknown("there is no group in the request"))?;
        let metadata = match group.metadata.as_slice() {
            [] => Value::Null,
            bytes => {
                serde_json::from_slice(bytes).map_err(|error| unknown(&format!("its metadata are no JSON: {error}")))?
            }
        };
        let Group {
            id,
            name,
            profile,
            selector,
            metadata: _,
        } = group;
        let file = json!({"id": id, "name": name, "profile": profile, "selector": selector, "metadata": metadata});
        self.put_json(Kind::Group, &id, &file)
    }

    fn group(&self, id: &str) -> Result<Group, Status> {
        let file = self.json(Kind::Group, id)?;
        let selector = file["selector"].as_object();
        let selector = selector.into_iter().flatten();
        let metadata = match &file["metadata"] {
            Value::Null => Vec::new(),
            metadata => go::json(metadata).unwrap_or_default().into_bytes(),
        };
        Ok(Group {
            id: id.to_owned(),
            name: text(&file["name"]),
            profile: text(&file["profile"]),
            selector: selector.map(|(key, value)| (key.clone(), text(value))).collect(),
            metadata,
        })
    }

    fn put_profile(&self, asked: OfProfile) -> Result<Nothing, Status> {
        let profile = asked
            .profile
            .ok_or_else(|| unknown("there is no profile in the request"))?;
        let boot = profile.boot.unwrap_or_default();
        let boot = match boot.kernel.is_empty() {
            true => json!({}),
            false => json!({"kernel": boot.kernel, "initrd": boot.initrd, "args": boot.args}),
        };
        let file = json!({
            "id": profile.id, "name": profile.name, "boot": boot, "cloud_id": profile.cloud_id,
            "ignition_id": profile.ignition_id, "generic_id": profile.generic_id,
        });
        self.put_json(Kind::Profile, &profile.id, &file)
    }

    fn profile(&self, id: &str) -> Result<Profile, Status> {
        let file = self.json(Kind::Profile, id)?;
        let texts = |value: &Value| value.as_array().into_iter().flatten().map(text).collect();
        let boot = &file["boot"];
        Ok(Profile {
            id: id.to_owned(),
            name: text(&file["name"]),
            ignition_id: text(&file["ignition_id"]),
            cloud_id: text(&file["cloud_id"]),
            boot: Some(NetBoot {
                kernel: text(&boot["kernel"]),
                initrd: texts(&boot["initrd"]),
                args: texts(&boot["args"]),
            }),
            generic_id: text(&file["generic_id"]),
        })
    }

    /// All of a kind, but for files that cannot be read, which `bootwright check` tells of.
    fn list<T>(&self, kind: Kind, read: impl Fn(&Self, &str) -> Result<T, Status>) -> Result<Vec<T>, Status> {
        let names = self.record.names(kind).map_err(|error| failed(&error))?;
        Ok(names.iter().filter_map(|name| read(self, name).ok()).collect())
    }

    /// The group that asks for most of what is said, as matchbox chooses.
    fn select(&self, asked: &Labels) -> Result<Group, Status> {
        let groups = self.list(Kind::Group, Self::group)?;
        let fits = |group: &Group| {
            group
                .selector
                .iter()
                .all(|(key, value)| asked.labels.get(key) == Some(value))
        };
        let rank = |group: &Group| {
            let asked: Vec<String> = group
                .selector
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            (asked.len(), asked.join(","))
        };
        let best = groups.into_iter().filter(fits).max_by_key(rank);
        best.ok_or_else(|| Status::new(Code::NotFound, "no group matches"))
    }

    fn put_json(&self, kind: Kind, id: &str, file: &Value) -> Result<Nothing, Status> {
        let text = serde_json::to_vec_pretty(file).map_err(|error| unknown(&error.to_string()))?;
        self.record.put(kind, id, &text).map_err(|error| failed(&error))?;
        Ok(Nothing {})
    }

    fn json(&self, kind: Kind, id: &str) -> Result<Value, Status> {
        let bytes = self.record.get(kind, id).map_err(|error| failed(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| unknown(&format!("its file is no JSON: {error}")))
    }

    fn put_document(&self, kind: Kind, asked: &PutDocument) -> Result<Nothing, Status> {
        self.record
            .put(kind, &asked.name, &asked.config)
            .map_err(|error| failed(&error))?;
        Ok(Nothing {})
    }

    fn document(&self, kind: Kind, asked: &Which) -> Result<Document, Status> {
        let config = self.record.get(kind, &asked.id).map_err(|error| failed(&error))?;
        Ok(Document { config })
    }

    fn delete(&self, kind: Kind, asked: &Which) -> Result<Nothing, Status> {
        self.record.delete(kind, &asked.id).map_err(|error| failed(&error))?;
        Ok(Nothing {})
    }

    async fn answer(self, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let (group, profile) = (Kind::Group, Kind::Profile);
        match path.as_str() {
            "/rpcpb.Groups/GroupPut" => unary(request, move |asked| self.put_group(asked)).await,
            "/rpcpb.Groups/GroupGet" => {
                unary(request, move |asked: Which| {
                    Ok(OfGroup {
                        group: Some(self.group(&asked.id)?),
                    })
                })
                .await
            }
            "/rpcpb.Groups/GroupDelete" => unary(request, move |asked| self.delete(group, &asked)).await,
            "/rpcpb.Groups/GroupList" => {
                unary(request, move |_: Nothing| {
                    Ok(Groups {
                        groups: self.list(group, Self::group)?,
                    })
                })
                .await
            }
            "/rpcpb.Profiles/ProfilePut" => unary(request, move |asked| self.put_profile(asked)).await,
            "/rpcpb.Profiles/ProfileGet" => {
                unary(request, move |asked: Which| {
                    Ok(OfProfile {
                        profile: Some(self.profile(&asked.id)?),
                    })
                })
                .await
            }
            "/rpcpb.Profiles/ProfileDelete" => unary(request, move |asked| self.delete(profile, &asked)).await,
            "/rpcpb.Profiles/ProfileList" => {
                unary(request, move |_: Nothing| {
                    Ok(Profiles {
                        profiles: self.list(profile, Self::profile)?,
                    })
                })
                .await
            }
            "/rpcpb.Ignition/IgnitionPut" => {
                unary(request, move |asked| self.put_document(Kind::Ignition, &asked)).await
            }
            "/rpcpb.Ignition/IgnitionGet" => unary(request, move |asked| self.document(Kind::Ignition, &asked)).await,
            "/rpcpb.Ignition/IgnitionDelete" => unary(request, move |asked| self.delete(Kind::Ignition, &asked)).await,
            "/rpcpb.Generic/GenericPut" => unary(request, move |asked| self.put_document(Kind::Generic, &asked)).await,
            "/rpcpb.Generic/GenericGet" => unary(request, move |asked| self.document(Kind::Generic, &asked)).await,
            "/rpcpb.Generic/GenericDelete" => unary(request, move |asked| self.delete(Kind::Generic, &asked)).await,
            "/rpcpb.Select/SelectGroup" => {
                unary(request, move |asked: Labels| {
                    Ok(OfGroup {
                        group: Some(self.select(&asked)?),
                    })
                })
                .await
            }
            "/rpcpb.Select/SelectProfile" => {
                unary(request, move |asked: Labels| {
                    let missed = |_| Status::new(Code::NotFound, "the group's profile is not there");
                    let profile = self.profile(&self.select(&asked)?.profile).map_err(missed)?;
                    Ok(OfProfile { profile: Some(profile) })
                })
                .await
            }
            _ => Status::new(Code::Unimplemented, "there is no such call").into_http(),
        }
    }
}

impl Service<Request<Body>> for Api {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let api = self.clone();
        Box::pin(async move { Ok(api.answer(request).await) })
    }
}

/// One call: a message in, a message out.
struct Call<F>(Option<F>);

impl<A, B, F> Service<tonic::Request<A>> for Call<F>
where
    F: FnOnce(A) -> Result<B, Status>,
{
    type Response = tonic::Response<B>;
    type Error = Status;
    type Future = Ready<Result<tonic::Response<B>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<A>) -> Self::Future {
        let answer = match self.0.take() {
            Some(call) => tokio::task::block_in_place(|| call(request.into_inner())),
            None => Err(unknown("a call is answered once")),
        };
        ready(answer.map(tonic::Response::new))
    }
}

async fn unary<A, B, F>(request: Request<Body>, call: F) -> Response<Body>
where
    A: prost::Message + Default + 'static,
    B: prost::Message + Default + 'static,
    F: FnOnce(A) -> Result<B, Status>,
{
    let codec: ProstCodec<B, A> = ProstCodec::default();
    let mut grpc = Grpc::new(codec).max_decoding_message_size(MESSAGE_BYTES_MAX);
    grpc.unary(Call(Some(call)), request).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn unknown(why: &str) -> Status {
    Status::new(Code::Unknown, why)
}

/// matchbox says of everything that goes wrong in its files that it is unknown; its clients take any error for absence.
fn failed(error: &io::Error) -> Status {
    unknown(&error.to_string())
}

/// Serves the API until the process ends.
///
/// # Errors
/// When a file of the certificates cannot be read or used, or the port is taken.
pub(crate) fn serve(
    listener: std::net::TcpListener,
    data_dir: &str,
    rpc: &Rpc,
) -> anyhow::Result<impl Future<Output = ()> + Send + use<>> {
    let read = |path: &str| std::fs::read(path).with_context(|| format!("cannot read `{path}`"));
    let identity = Identity::from_pem(read(&rpc.cert_file)?, read(&rpc.key_file)?);
    // Without a certificate of this authority nobody gets as far as a call.
    let clients = Certificate::from_pem(read(&rpc.ca_file)?);
    let tls = ServerTlsConfig::new()
        .identity(identity)
        .client_ca_root(clients)
        .timeout(HANDSHAKE_WITHIN);
    let server = Server::builder().tls_config(tls).with_context(|| {
        format!(
            "`{}`, `{}` or `{}` cannot be used",
            rpc.cert_file, rpc.key_file, rpc.ca_file
        )
    })?;
    let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener)?).with_nodelay(Some(true));
    let api = Api::new(data_dir);
    Ok(async move {
        let server = server
            .concurrency_limit_per_connection(usize::from(CALLS_MAX))
            .max_concurrent_streams(u32::from(CALLS_MAX));
        if let Err(error) = server.serve_with_incoming(api, incoming).await {
            tracing::error!(why = %error, "matchbox's API is served no more");
        }
    })
}
