//! Doors with certificates made for each test.

use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;
use tokio_rustls::client;

use super::*;

/// An authority, and the certificates that it gives out.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
struct Pair {
    certificate: String,
    key: String,
}

fn named(name: &str, names: &[&str]) -> CertificateParams {
    let mut parameters =
        CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}

impl Authority {
    fn new() -> Self {
        let mut parameters = named("root", &[]);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    fn certify(&self, parameters: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        Pair { certificate: parameters.signed_by(&key, &self.0).unwrap().pem(), key: key.serialize_pem() }
    }
}

impl Pair {
    fn write(&self, folder: &Path) {
        write_private(&folder.join("door.key"), &self.key);
        std::fs::write(folder.join("door.pem"), &self.certificate).unwrap();
    }
}

fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

fn settings(folder: &Path) -> TlsSettings {
    TlsSettings { certificate: folder.join("door.pem"), key: folder.join("door.key"), client_ca: None }
}

/// An acceptor that looks at its files at every connection.
fn open(settings: &TlsSettings) -> Acceptor {
    let mut acceptor = Acceptor::open_for(settings, &["h2", "http/1.1"]).unwrap();
    acceptor.look_every = Duration::ZERO;
    acceptor.state().next_look = Instant::now();
    acceptor
}

fn client(
    roots: &Authority,
    shown: Option<&Pair>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut store = RootCertStore::empty();
    store.add(roots.0.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(store);
    match shown {
        None => builder.with_no_client_auth(),
        Some(pair) => {
            let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    }
}

type Ends = (io::Result<TlsStream<TcpStream>>, io::Result<client::TlsStream<TcpStream>>);

/// One connection, seen from both ends. A byte goes each way: in TLS 1.3 a client learns late that it is refused.
async fn connect(acceptor: &Acceptor, client: ClientConfig) -> Ends {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let outgoing = TcpStream::connect(listener.local_addr().unwrap());
    let (outgoing, accepted) = tokio::join!(outgoing, listener.accept());
    let (outgoing, accepted) = (outgoing.unwrap(), accepted.unwrap().0);
    let name = ServerName::try_from("localhost").unwrap();
    let at_client = async {
        let mut stream = TlsConnector::from(Arc::new(client)).connect(name, outgoing).await?;
        stream.write_all(b"?").await?;
        stream.read_u8().await?;
        Ok(stream)
    };
    let at_door = async {
        let mut stream = acceptor.accept(accepted).await?;
        stream.read_u8().await?;
        stream.write_all(b"!").await?;
        stream.flush().await?;
        Ok(stream)
    };
    tokio::join!(at_door, at_client)
}

/// The certificate that a client is shown.
async fn shown(acceptor: &Acceptor, authority: &Authority) -> CertificateDer<'static> {
    let (door, client) = connect(acceptor, client(authority, None, &[&TLS13])).await;
    door.unwrap();
    client.unwrap().get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

#[tokio::test]
async fn both_versions_are_spoken_and_the_protocol_agreed_on() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.certify(&named("door", &["localhost"])).write(folder.path());
    let acceptor = open(&settings(folder.path()));
    for (version, name) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let mut config = client(&authority, None, &[version]);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (door, _) = connect(&acceptor, config).await;
        let door = door.unwrap();
        assert_eq!(door.get_ref().1.protocol_version(), Some(name));
        assert_eq!(door.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(Peer::of(&door), None);
    }
    let (_, stranger) = connect(&acceptor, client(&Authority::new(), None, &[&TLS13])).await;
    assert!(stranger.is_err(), "a client that trusts another authority does not connect");
}

#[tokio::test]
async fn an_older_version_is_refused() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.certify(&named("door", &["localhost"])).write(folder.path());
    let acceptor = open(&settings(folder.path()));
    const ALERT: u8 = 0x15;
    const HANDSHAKE_FAILURE: u8 = 40;
    const PROTOCOL_VERSION: u8 = 70;
    // What those versions did not know yet: with it the version is all that is wrong.
    let signature_algorithms = [0, 8, 0x00, 0x0d, 0, 4, 0, 2, 0x04, 0x03];
    let cases = [
        (1, &[][..], HANDSHAKE_FAILURE),
        (2, &[], HANDSHAKE_FAILURE),
        (1, &signature_algorithms, PROTOCOL_VERSION),
        (2, &signature_algorithms, PROTOCOL_VERSION),
    ];
    for (minor, extensions, alert) in cases {
        // A hello of TLS 1.0 and 1.1: version, 32 random bytes, no session, two cipher suites, no compression.
        let mut hello = vec![3, minor];
        hello.extend([7; 32]);
        hello.extend([0, 0, 4, 0xc0, 0x14, 0x00, 0x2f, 1, 0]);
        hello.extend(extensions);
        let length = u8::try_from(hello.len()).unwrap();
        let mut record = vec![0x16, 3, 1, 0, length + 4, 1, 0, 0, length];
        record.extend(&hello);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut outgoing = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        outgoing.write_all(&record).await.unwrap();
        let accepted = listener.accept().await.unwrap().0;
        assert!(acceptor.accept(accepted).await.is_err());
        let mut answer = Vec::new();
        outgoing.read_to_end(&mut answer).await.unwrap();
        assert_eq!((answer.first(), answer.last()), (Some(&ALERT), Some(&alert)), "{answer:?}");
    }
}

#[tokio::test]
async fn a_new_certificate_counts_for_the_next_connection_and_a_broken_one_does_not() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let (first, second) =
        (authority.certify(&named("a", &["localhost"])), authority.certify(&named("b", &["localhost"])));
    let of = |pair: &Pair| CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    first.write(folder.path());
    let acceptor = open(&settings(folder.path()));
    assert_eq!(shown(&acceptor, &authority).await, of(&first));

    // The moment between the two writes of a renewal: the key is not yet that of the certificate.
    std::fs::write(folder.path().join("door.pem"), &second.certificate).unwrap();
    assert_eq!(shown(&acceptor, &authority).await, of(&first));
    let problem = acceptor.problem().unwrap();
    assert!(problem.contains("is not that of the certificate"), "{problem}");
    second.write(folder.path());
    assert_eq!(shown(&acceptor, &authority).await, of(&second));
    assert_eq!(acceptor.problem(), None);

    let (certificate, key) = (folder.path().join("door.pem"), folder.path().join("door.key"));
    let breaks: [&dyn Fn(); 4] = [
        &|| std::fs::write(&certificate, "no certificate").unwrap(),
        &|| std::fs::write(&key, &second.certificate).unwrap(),
        &|| std::fs::remove_file(&certificate).unwrap(),
        &|| std::fs::write(&certificate, vec![b'x'; 2 << 20]).unwrap(),
    ];
    for (number, breaks) in breaks.iter().enumerate() {
        breaks();
        assert_eq!(shown(&acceptor, &authority).await, of(&second));
        assert!(acceptor.problem().is_some(), "{number}");
        second.write(folder.path());
        assert_eq!(shown(&acceptor, &authority).await, of(&second));
        assert_eq!(acceptor.problem(), None, "{number}");
    }
}

#[tokio::test]
async fn files_are_not_read_at_every_connection() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.certify(&named("a", &["localhost"])).write(folder.path());
    let mut acceptor = open(&settings(folder.path()));
    acceptor.look_every = Duration::from_secs(3_600);
    let first = shown(&acceptor, &authority).await;
    authority.certify(&named("b", &["localhost"])).write(folder.path());
    assert_eq!(shown(&acceptor, &authority).await, first);
    acceptor.state().next_look = Instant::now();
    assert_ne!(shown(&acceptor, &authority).await, first);
}

#[tokio::test]
async fn only_clients_of_the_authority_come_in_and_are_known_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    authority.certify(&named("door", &["localhost"])).write(folder.path());
    let client_ca = folder.path().join("clients.pem");
    std::fs::write(&client_ca, clients.0.pem()).unwrap();
    let settings = TlsSettings { client_ca: Some(client_ca.clone()), ..settings(folder.path()) };
    let acceptor = open(&settings);

    let adt = clients.certify(&named("adt, north", &["adt.north"]));
    let (mut past, stranger) = (named("adt", &[]), strangers.certify(&named("adt, north", &["adt.north"])));
    past.not_after = date_time_ymd(2020, 1, 1);
    let past = clients.certify(&past);
    for version in [&TLS12, &TLS13] {
        let (door, at_client) = connect(&acceptor, client(&authority, Some(&adt), &[version])).await;
        at_client.unwrap();
        let peer = Peer::of(&door.unwrap()).unwrap();
        assert_eq!(peer.subject, "CN=adt\\, north");
        let der = CertificateDer::from_pem_slice(adt.certificate.as_bytes()).unwrap();
        let expected: String = Sha256::digest(&der).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(peer.fingerprint, expected);
        for shown in [None, Some(&stranger), Some(&past)] {
            let (door, at_client) = connect(&acceptor, client(&authority, shown, &[version])).await;
            assert!(door.is_err() && at_client.is_err());
        }
    }
    // The authority is renewed like the certificate: those of the old one are out, even to go on with a session.
    let config = client(&authority, Some(&adt), &[&TLS13]);
    connect(&acceptor, config.clone()).await.1.unwrap();
    std::fs::write(&client_ca, strangers.0.pem()).unwrap();
    assert!(connect(&acceptor, config).await.0.is_err());
    connect(&acceptor, client(&authority, Some(&stranger), &[&TLS13])).await.1.unwrap();
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.certify(&named("door", &["localhost"])).write(folder.path());
    let mut acceptor = open(&settings(folder.path()));
    acceptor.patience = Duration::from_millis(20);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _silent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let error = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn a_door_does_not_open_with_files_that_are_not_good() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let settings = settings(folder.path());
    let told = |settings: &TlsSettings| {
        let error = Acceptor::open(settings).unwrap_err();
        assert!(!error.hint().is_empty());
        error
    };
    assert!(matches!(told(&settings), Error::Unreadable { .. }));
    let pair = authority.certify(&named("door", &["localhost"]));
    pair.write(folder.path());
    Acceptor::open(&settings).unwrap();
    let client_ca = Some(folder.path().join("door.key"));
    let no_authority = TlsSettings { client_ca, ..settings.clone() };
    assert!(matches!(told(&no_authority), Error::Lacks { what: "certificate", .. }));
    std::fs::write(&settings.key, authority.certify(&named("other", &[])).key).unwrap();
    assert!(matches!(told(&settings), Error::NoPair { .. }));
    std::fs::write(&settings.key, pair.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")).unwrap();
    assert!(matches!(told(&settings), Error::Lacks { what: "private key", .. }));
}

#[cfg(unix)]
#[test]
fn a_key_that_all_can_read_and_an_end_that_is_near_are_warned_of() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let settings = settings(folder.path());
    authority.certify(&named("door", &["localhost"])).write(folder.path());
    assert_eq!(Acceptor::open(&settings).unwrap().warnings(), Vec::<String>::new());
    std::fs::set_permissions(&settings.key, PermissionsExt::from_mode(0o644)).unwrap();
    let warnings = Acceptor::open(&settings).unwrap().warnings();
    assert!(matches!(&warnings[..], [warning] if warning.contains("chmod 600")), "{warnings:?}");
    let mut parameters = named("door", &["localhost"]);
    parameters.not_after = date_time_ymd(2020, 1, 1);
    authority.certify(&parameters).write(folder.path());
    let warnings = Acceptor::open(&settings).unwrap().warnings();
    assert!(matches!(&warnings[..], [warning] if warning.contains("until 2020-01-01")), "{warnings:?}");
}
