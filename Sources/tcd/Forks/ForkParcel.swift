internal import Fabric
internal import FoundationEssentials
internal import Glibc
internal import SystemPackage
internal import Triage

/// A fork as the content of a sealed envelope: one directory that holds the token and the files that go with it.
///
/// `<name>/handoff.fork.json`, and what was given beside it in `<name>/files/`.
enum ForkParcel {
    /// What the manifest says of such an envelope's content.
    static let payloadType = "upip_fork"

    private static let tokenName = "handoff.fork.json"
    private static let filesName = "files"

    // MARK: - Packing

    /// Lays a parcel out in a directory of its own and returns it. Files are linked where that can be, and copied where
    /// not. Blocks.
    ///
    /// - Parameters:
    ///   - bytes: The token's file, as it is.
    ///   - paths: What goes with it: files and directories.
    static func layOut(_ token: ForkToken, bytes: [UInt8], with paths: [String], in folder: FilePath) throws -> FilePath
    {
        let parcel = folder.appending(ForkName.stem(of: token))
        let files = parcel.appending(filesName)
        let manager = FileManager.default
        try wrapping("lay out the fork") {
            try manager.createDirectory(
                atPath: (paths.isEmpty ? parcel : files).string, withIntermediateDirectories: true)
        }
        try ReplaceableFile.replace(parcel.appending(tokenName), with: bytes, isDurable: false)
        var names: Set<String> = []
        for path in paths {
            guard let source = realpath(path, nil) else {
                throw SystemFailure("cannot open '\(path)'", Errno(rawValue: errno))
            }
            defer { free(source) }
            let from = String(cString: source)
            let name =
                FilePath(path).lexicallyNormalized().lastComponent.flatMap { $0.kind == .regular ? $0.string : nil }
                ?? FilePath(from).lastComponent?.string ?? "root"
            guard names.insert(name).inserted else {
                throw UsageError("two of the paths are called '\(name)'", remedy: "give what holds both of them")
            }
            let target = files.appending(name).string
            do {
                try manager.linkItem(atPath: from, toPath: target)
            } catch {
                // On another file system, or not ours to link.
                try? manager.removeItem(atPath: target)
                try wrapping("copy '\(path)'") { try manager.copyItem(atPath: from, toPath: target) }
            }
        }
        return parcel
    }

    private static func wrapping(_ what: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as CocoaError {
            let reason = error.underlying as? POSIXError
            throw SystemFailure("cannot \(what)", Errno(rawValue: reason?.code.rawValue ?? EIO))
        }
    }

    // MARK: - Opening

    /// What was in an envelope.
    struct Opened: Sendable {
        let token: ForkToken
        let bytes: [UInt8]
        /// Where the files are that came with it; nil where none did.
        let files: FilePath?
    }

    /// Unpacks the parcel in `envelope` into `folder`, once: a second time what is there is read. Blocks.
    ///
    /// - Parameter digest: That of the envelope, which the directory is named by, so that one name means one content.
    static func open(_ envelope: EnvelopeFile, digest: Digest, into folder: FilePath, limit: UInt64) throws -> Opened {
        let place = folder.appending("\(digest.hex.prefix(32)).parcel")
        if access(place.string, F_OK) != 0 {
            var unpacker = Unpacker()
            unpacker.isDurable = true
            unpacker.limits.unpackedBytes = limit
            _ = try unpacker.unpack(envelope, into: place)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: place.string)
        guard names.count == 1, let name = names.first else { throw ForkParcelError.notOneDirectory }
        let parcel = place.appending(name)
        // What comes from elsewhere may be a link; a token and a folder of files are not.
        guard kind(of: parcel) == S_IFDIR, kind(of: parcel.appending(tokenName)) == S_IFREG else {
            throw ForkParcelError.noToken
        }
        let (token, bytes) = try ForkToken.read(parcel.appending(tokenName))
        let files = parcel.appending(filesName)
        return Opened(token: token, bytes: bytes, files: kind(of: files) == S_IFDIR ? files : nil)
    }

    private static func kind(of path: FilePath) -> mode_t? {
        var status = stat()
        return lstat(path.string, &status) == 0 ? status.st_mode & S_IFMT : nil
    }
}

/// Why an envelope that says that it holds a fork does not.
enum ForkParcelError: ExplainedError {
    case notOneDirectory
    case noToken

    var category: FailureCategory { .badData }
    var explanation: String {
        switch self {
        case .notOneDirectory: "the envelope does not hold one directory"
        case .noToken: "the envelope holds no 'handoff.fork.json'"
        }
    }
    var remedy: String? { nil }
}
