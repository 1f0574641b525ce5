internal import CLinux
internal import Glibc
public import SystemPackage

/// Seals a file, a directory or standard input into one envelope: tar, compress, hash, sign.
///
/// The envelope appears under its name only when it is complete and on stable storage; until then there is a staging
/// file beside it, and after a failure there is nothing. Memory is constant in the size of what is sealed.
public struct Sealer {
    private let key: SigningKey
    private var options: SealOptions
    private let progress: @Sendable (_ done: Int64, _ expected: Int64?) -> Void

    /// A sealer that signs with `key`.
    ///
    /// - Parameter progress: Told how many content bytes were taken, and how many there will be where that is known.
    public init(
        key: SigningKey, options: SealOptions,
        progress: @escaping @Sendable (_ done: Int64, _ expected: Int64?) -> Void = { _, _ in }
    ) {
        self.key = key
        self.options = options
        self.progress = progress
    }

    /// Seals `input` into a new file at `output`. Blocks until it is durable.
    ///
    /// - Parameter replacing: Whether an existing file at `output` may be replaced, which happens in one step.
    public func seal(_ input: SealInput, to output: FilePath, replacing: Bool = false) throws(EnvelopeError)
        -> SealReport
    {
        try requireLevel()
        var folder = output.removingLastComponent()
        if folder.isEmpty { folder = "." }
        guard let name = output.lastComponent?.string else { throw .targetExists(output.string) }
        let parent = try EnvelopeError.wrapping { [folder] () throws(SystemFailure) in
            try OwnedFile(path: folder, flags: O_RDONLY | O_DIRECTORY)
        }
        if !replacing, faccessat(parent.descriptor, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 {
            throw .targetExists(output.string)
        }
        let staging = StagingName.fresh()
        let file = try EnvelopeError.wrapping { () throws(SystemFailure) in
            try OwnedFile(staging, in: parent, flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o666)
        }
        // Held until the file closes: tells who cleans up that somebody is still at it.
        _ = file.lockIfFree()
        var published = false
        defer { if !published { unlinkat(parent.descriptor, staging, 0) } }
        let report = try write(input, to: file)
        try EnvelopeError.wrapping { () throws(SystemFailure) in try file.synchronize() }
        try publish(staging, as: name, in: parent, replacing: replacing, shown: output.string)
        published = true
        return report
    }

    private func publish(
        _ staging: String, as name: String, in parent: OwnedFile, replacing: Bool, shown: String
    ) throws(EnvelopeError) {
        let action = "cannot publish '\(DisplayText.line(shown, atMost: .max))'"
        if replacing {
            guard renameat(parent.descriptor, staging, parent.descriptor, name) == 0 else {
                throw .system(.current(action))
            }
        } else {
            let isMoved = try EnvelopeError.wrapping { () throws(SystemFailure) in
                try NoReplaceRename.move(staging, in: parent, to: name, in: parent, doing: action)
            }
            guard isMoved else { throw .targetExists(shown) }
        }
        try EnvelopeError.wrapping { () throws(SystemFailure) in try parent.synchronize() }
    }

    /// Seals `input` into an empty file that the caller opened for reading and writing, and that it synchronises and
    /// names.
    func seal(_ input: SealInput, into file: OwnedFile) throws(EnvelopeError) -> SealReport {
        try requireLevel()
        return try write(input, to: file)
    }

    private func requireLevel() throws(EnvelopeError) {
        guard Zstd.levels.contains(options.level) else {
            throw .overLimit("level \(options.level) is not between 1 and \(Zstd.levels.upperBound)")
        }
    }

    private func write(_ input: SealInput, to file: OwnedFile) throws(EnvelopeError) -> SealReport {
        switch input {
        case .standardInput(let name):
            try BlockName.check(name)
            let source = OwnedFile(adopting: fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0), label: "standard input")
            return try sealStream(source, named: name, to: file)
        case .text(let text, let name):
            try BlockName.check(name)
            var rest = Substring(text).utf8
            return try sealStream(named: name, to: file) { room throws(SystemFailure) in
                let piece = rest.prefix(room.count)
                room.copyBytes(from: piece)
                rest = rest.dropFirst(piece.count)
                return piece.count
            }
        case .path(let path):
            let source = try Source(path: path)
            guard source.isDirectory else { return try sealFile(source, to: file) }
            let directory = SealedDirectory(source: source, options: options, key: key, progress: progress)
            return try directory.seal(to: file)
        }
    }

    private func sealStream(_ source: OwnedFile, named name: String, to file: OwnedFile) throws(EnvelopeError)
        -> SealReport
    {
        try sealStream(named: name, to: file) { room throws(SystemFailure) in try source.readNext(into: room) }
    }

    private func sealStream(
        named name: String, to file: OwnedFile,
        from read: (UnsafeMutableRawBufferPointer) throws(SystemFailure) -> Int
    ) throws(EnvelopeError) -> SealReport {
        var options = options
        options.contentLayout = .file
        let builder = try EnvelopeBuilder(file: file, options: options, plan: nil)
        builder.begin(name)
        while try builder.fill(read) {
            progress(builder.contentBytes, nil)
        }
        try builder.end()
        return try builder.report(signedBy: key)
    }

    private func sealFile(_ source: Source, to file: OwnedFile) throws(EnvelopeError) -> SealReport {
        try BlockName.check(source.name)
        let opened = try EnvelopeError.wrapping { () throws(SystemFailure) in
            try OwnedFile(path: FilePath(source.path), flags: O_RDONLY)
        }
        var options = options
        options.contentLayout = .file
        let size = Int64(source.status.st_size)
        // What the kernel makes up as it is read has no length beforehand.
        if size == 0 { return try sealStream(opened, named: source.name, to: file) }
        options.fitBlockSize(to: size)
        let builder = try EnvelopeBuilder(
            file: file, options: options, plan: [EnvelopeBuilder.Plan(name: source.name, size: size)])
        let report = progress
        try builder.add(source.name, from: opened, size: size) { report($0, size) }
        return try builder.report(signedBy: key)
    }
}

/// A file or directory that is to be sealed, links resolved (`daemon.md`, section 14: the name is that of the target).
struct Source {
    let path: String
    let name: String
    let status: stat

    var isDirectory: Bool { tibet_is_directory(status.st_mode) }

    init(path: String) throws(EnvelopeError) {
        guard let resolved = realpath(path, nil) else { throw .system(.current("cannot seal '\(path)'")) }
        defer { free(resolved) }
        guard let whole = String(validatingCString: resolved) else {
            throw .unusableInput(path, reason: "the whole path of it is not UTF-8")
        }
        self.path = whole
        var status = stat()
        guard stat(resolved, &status) == 0 else { throw .system(.current("cannot seal '\(path)'")) }
        guard tibet_is_regular(status.st_mode) || tibet_is_directory(status.st_mode) else {
            throw .unusableInput(path, reason: "it is neither a file nor a directory")
        }
        self.status = status
        name = FilePath(self.path).lastComponent?.string ?? "root"
    }
}
