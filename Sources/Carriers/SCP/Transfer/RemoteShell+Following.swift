internal import CSSH2
internal import Fabric

/// Hashes a file at the far side while it is written there, so that little is left to do when the last byte has come.
///
/// The far side reads, with `dd`, as many MiB as it was told are there, and waits for the next line; what it finds short
/// it reads the next time. It is told through its standard input, as it is told everything; when the connection goes, so
/// does what it reads from, and nothing is left running.
extension RemoteShell {
    /// A file that is being hashed.
    struct Followed {
        /// How many MiB of it the far side was told of.
        fileprivate var told: Int64 = 0
        /// How many bytes it will have.
        fileprivate let size: Int64
        /// Whether it was told that there will be no more.
        fileprivate var isWhole = false
    }

    /// Below this size it is as quick to hash afterwards.
    static let sizeWorthFollowing: Int64 = 16 << 20
    /// How many MiB make a line. Each costs a process at the far side.
    private static let step: Int64 = 8

    /// So many MiB more are there; none, that there will be no more. A shell that has stopped reading such lines does
    /// nothing when it takes one for a command.
    private static func line(_ count: Int64) -> String { ": \(count)\n" }

    /// Follows what is about to be written to `path`, if it is worth it.
    func follow(_ outgoing: Outgoing, as path: String) throws(SSHFailure) {
        guard outgoing.size - outgoing.position >= Self.sizeWorthFollowing else { return }
        try follow(path, size: outgoing.size)
        try tell(outgoing.position)
    }

    /// Begins to hash `path`, which exists and is written from its beginning to its end. Does nothing where there is no
    /// way to; `takeFollowedDigest` gives nil then.
    private func follow(_ path: String, size: Int64) throws(SSHFailure) {
        guard let digestCommand, followed == nil else { return }
        followedDigest = nil
        let loop = "while read -r _ n && [ \"$n\" -gt 0 ]; do dd bs=1048576 count=\"$n\" <&3; done; cat <&3"
        let script = "{ { \(loop); } 3<\(ShellText.quoted(path)) | \(digestCommand); } 2>/dev/null"
        try send("\(ending("0")); \(script); \(ending("\"$?\""))\n", nil)
        // A shell reads its script ahead. What is sent before it has begun to run might be taken for more of it.
        _ = try answer(within: nil)
        followed = Followed(size: size)
    }

    /// The far side has written the first `bytes` of the file. Says so when it is worth a line.
    ///
    /// While the session is in the middle of a packet nothing else may be sent (`libssh2_session_block_directions`(3));
    /// it is said the next time then.
    func tell(_ bytes: Int64) throws(SSHFailure) {
        guard let followed, bytes >> 20 - followed.told >= Self.step,
            libssh2_session_block_directions(connection.session) & LIBSSH2_SESSION_BLOCK_OUTBOUND == 0
        else { return }
        try send(Self.line(bytes >> 20 - followed.told), nil)
        self.followed?.told = bytes >> 20
    }

    /// All of the file is there. The far side hashes what is left while other things are done.
    func tellAll() throws(SSHFailure) {
        guard let followed, !followed.isWhole else { return }
        try send(Self.line(0), nil)
        self.followed?.isWhole = true
    }

    /// Waits until what is followed is hashed, after which the shell can be told other things. Nothing may be followed.
    func endFollowing() throws(SSHFailure) {
        guard let followed else { return }
        try tellAll()
        self.followed = nil
        followedDigest = try answer(within: connection.patience + .seconds(followed.size >> 26)).digest
    }

    /// The digest of the file that was followed last; nil when none was, or when it could not be said.
    func takeFollowedDigest() throws(SSHFailure) -> Digest? {
        try endFollowing()
        defer { followedDigest = nil }
        return followedDigest
    }
}
