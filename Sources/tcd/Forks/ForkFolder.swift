internal import Fabric
internal import Glibc
internal import SystemPackage
internal import Triage

/// The directory in which a listener keeps what came: each token as it was received, and beside it what was found and
/// done. Several listeners may share one. All calls block.
struct ForkFolder: Sendable {
    let directory: FilePath
    private let lane: Lane

    /// Opens the directory, making it where it is missing.
    init(_ directory: FilePath) throws {
        lane = try Lane(directory: directory)
        self.directory = directory.isAbsolute ? directory : Self.here.pushing(directory).lexicallyNormalized()
    }

    private static var here: FilePath {
        guard let text = getcwd(nil, 0) else { return "/" }
        defer { free(text) }
        return FilePath(String(cString: text))
    }

    /// Stores a token durably and takes it up for this process; nil while another process has taken up the same.
    ///
    /// - Parameter bytes: The token's file, as it is stored.
    func store(_ token: ForkToken, bytes: [UInt8]) throws -> StoredFork? {
        let stem = ForkName.stem(of: token)
        guard let name = ArrivalName(stem + Self.ending) else {
            throw SystemFailure("cannot store '\(stem)'", .invalidArgument)
        }
        let deposit = try lane.begin(name, expecting: Int64(bytes.count))
        try bytes.withUnsafeBytes { try deposit.write($0) }
        let stored = try deposit.commit(expecting: Digest(of: bytes)).storedName.text
        let path = directory.appending(stored)
        let file = open(path.string, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw SystemFailure("cannot open '\(path)'", Errno(rawValue: errno)) }
        // Held until the process ends, at the latest: whoever shares the directory sees that somebody is at it.
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            return nil
        }
        return StoredFork(path: path, claim: FileClaim(file))
    }

    private static let ending = ".fork.json"

    /// The evidence of an envelope that was not opened.
    func evidence(ofUnopened digest: Digest) -> FilePath {
        directory.appending("\(digest.hex.prefix(32)).evidence.json")
    }

    /// The token that the evidence at `path` is about.
    static func token(ofEvidence path: FilePath) -> FilePath {
        let name = path.lastComponent?.string ?? ""
        let folder = path.removingLastComponent()
        guard let range = name.utf8.firstRange(of: ".evidence.json".utf8) else { return path }
        let token = folder.appending("\(name[..<range.lowerBound])\(ending)\(name[range.upperBound...])")
        return access(token.string, F_OK) == 0 ? token : folder.appending(String(name[..<range.lowerBound]))
    }

    /// The path of the file of another kind that belongs to the token at `path`.
    static func companion(of path: FilePath, _ kind: String) -> FilePath {
        let name = path.lastComponent?.string ?? "fork"
        let folder = path.removingLastComponent()
        guard let range = name.utf8.firstRange(of: ending.utf8) else { return folder.appending("\(name).\(kind)") }
        return folder.appending("\(name[..<range.lowerBound]).\(kind)\(name[range.upperBound...])")
    }
}

/// A lock on an open file, which ends when this is let go.
final class FileClaim: Sendable {
    private let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
}

/// A token in its file, taken up by this process.
struct StoredFork: Sendable {
    let path: FilePath
    let claim: FileClaim

    /// Where what was found and done is written down.
    var evidencePath: FilePath { ForkFolder.companion(of: path, "evidence.json") }
    /// Where a command can leave what came of its work.
    var resultPath: FilePath { ForkFolder.companion(of: path, "result") }

    /// What was written down before; nil where there is nothing.
    func evidence() throws -> ForkEvidence? {
        try ReplaceableFile.read(evidencePath, atMost: ForkToken.largestFile).flatMap { ForkEvidence(parsing: $0) }
    }

    /// Writes down what was found and done. On return that is on stable storage.
    func keep(_ evidence: ForkEvidence) throws {
        try ReplaceableFile.replace(evidencePath, with: Array(evidence.fileText.utf8))
    }
}
