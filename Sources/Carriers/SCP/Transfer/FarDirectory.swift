internal import Fabric

/// What is at the far side under a name.
enum FarEntry: Equatable {
    case nothing
    /// A regular file of this many bytes.
    case file(size: Int64)
    /// A directory, a link, a device.
    case other
}

/// What can be wrong with a directory itself.
enum DirectoryProblem { case missing, notADirectory }

/// The directory at the far side, as one delivery sees it: names in, facts out. Names are those of single entries. All
/// calls block, on the thread that uses the connection.
protocol FarDirectory: AnyObject {
    /// What stands under a name; links are not followed.
    func entry(_ name: String) throws(SSHFailure) -> FarEntry

    /// The SHA-256 of the first `count` bytes of a file, as the far side computes it or as it is read back from there.
    ///
    /// - Parameter isWorthReading: Whether to read the bytes back when the far side cannot compute it; else nil then.
    func digest(of name: String, first count: Int64, isWorthReading: Bool) throws(SSHFailure) -> Digest?

    /// The SHA-256 of the file that was written last, if the far side computed it on the way. Nil else: it is to be asked
    /// for.
    func digestOfWritten() throws(SSHFailure) -> Digest?

    /// Whether the far side can compute digests.
    var computesDigests: Bool { get }

    /// What of a file that was begun is there to go on from, after putting together what is in pieces.
    func begun(_ staging: String) throws(SSHFailure) -> FarEntry

    /// Opens a file that was begun, and writes a little of `outgoing`, which begins where the file ends.
    ///
    /// - Returns: False when the far side did not keep what was there: some servers empty every file that is opened for
    ///   writing, or written to again. The file is removed then.
    func reopen(_ staging: String, for outgoing: Outgoing) throws(SSHFailure) -> Bool

    /// Writes all of `outgoing` into a file, from where `outgoing` begins; at 0 the file must not exist, and
    /// otherwise it was reopened.
    ///
    /// - Parameter moved: Told how much of the envelope the far side has.
    func write(_ outgoing: Outgoing, to staging: String, moved: (Int64) -> Void) throws(SSHFailure)

    /// Puts the file that was written last on stable storage. The number of bytes that it has then; negative when it is
    /// not there any more.
    func store(_ staging: String) throws(SSHFailure) -> Int64

    /// Gives a file another name, if nobody has that; whether it did.
    func publish(_ staging: String, as name: String) throws(SSHFailure) -> Bool

    /// Puts the name and bytes of a file on stable storage; how certain it is that they are.
    func settle(_ name: String) throws(SSHFailure) -> ReceiptStrength

    /// Lets programs that watch the directory know that the file is there and whole, where its rename did not: two links,
    /// as OpenSSH and `move` make them, are no arrival to a watcher (`daemon.md`, section 2), so the file is opened for
    /// writing and closed. That is done only where opening is known not to empty the file. A file that a consumer has
    /// taken already needs it no more.
    func announce(_ name: String) throws(SSHFailure)

    /// Whether the far side is known to keep what it has stored under a name, whatever is closed and opened. Known once
    /// a file was stored.
    var keepsFiles: Bool { get }

    /// Why no file can be made in the directory, when that is because of the directory itself.
    func problem() throws(SSHFailure) -> DirectoryProblem?

    /// Removes a file that this delivery made.
    func remove(_ name: String) throws(SSHFailure)

    /// The number of bytes that the far side has room for; nil when it does not tell.
    func room() throws(SSHFailure) -> Int64?
}
