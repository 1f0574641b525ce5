public import SystemPackage

/// Who logs in, whom to trust, and how long to wait.
///
/// What is not said here is taken from the configuration of ssh, as `ssh -G` reports it. Nothing here, and nothing
/// there, switches off the check of the host's key.
public struct SCPCarrierConfiguration: Sendable {
    /// Private keys to try before those of the configuration (`-i`).
    public var identities: [FilePath] = []
    /// The configuration file of ssh to read in place of the user's (`-F`); nil for the usual ones.
    public var sshConfiguration: FilePath?
    /// The files of known host keys to use in place of the configured ones; new keys are added to the first.
    public var knownHosts: [FilePath]?
    /// The program `ssh`, which is asked for the configuration and runs jumps. Where there is none, ssh's defaults hold.
    public var sshProgram: String = "ssh"
    /// Whether the key of a host that is not known yet is taken on trust, and recorded. A key that is known to be
    /// another, of another type, or revoked is never taken.
    public var acceptNewHostKey: Bool = false
    /// Told of each key that `acceptNewHostKey` let through, once it is recorded.
    public var onAcceptedHostKey: @Sendable (AcceptedHostKey) -> Void = { _ in }
    /// Asked for the passphrase of an encrypted key, with the path of its file; called on a thread that may block. Nil
    /// when nobody is to be asked, and then such keys work through the agent only.
    public var passphrase: (@Sendable (_ keyFile: String) -> String?)?
    /// The socket of the agent; nil for the one that `SSH_AUTH_SOCK` or the configuration names. Empty for none.
    public var agentSocket: String?
    /// How long name look-up and connection may take together. 10 seconds.
    public var connectTime: Duration = .seconds(10)
    /// For how long the far side may take bytes slower than `minimumRate`, or leave a request unanswered; then the
    /// delivery is stalled. Hashing and storing get one second more for each 64 MiB. 30 seconds.
    public var stallTime: Duration = .seconds(30)
    /// The least number of bytes per second, averaged over `stallTime`, that counts as progress. 256.
    public var minimumRate: Int = 256
    /// How long a connection that nobody uses is kept for the next delivery. 30 seconds.
    public var idleTime: Duration = .seconds(30)

    /// The defaults.
    public init() {}
}

/// A host's key that was taken on trust and recorded.
public struct AcceptedHostKey: Sendable, Hashable {
    /// The host, as it is written in the file: `host`, or `[host]:port`.
    public let host: String
    /// The type of the key, for example `ssh-ed25519`.
    public let type: String
    /// The key itself, in base64, as it stands in the file.
    public let key: String
    /// `SHA256:` and the digest of the key in base64, as ssh shows it.
    public let fingerprint: String
    /// The file to which it was added.
    public let file: String
}
