internal import CLinux
internal import Glibc
public import SystemPackage

/// Unpacks an envelope into a directory: everything that was verified, or nothing.
///
/// All work is done in a temporary directory beside the target. Only when every block has been verified and written
/// is it renamed into place, and never over anything that is there.
public struct Unpacker {
    /// Whether symbolic links that lead out of the unpacked directory are made all the same.
    public var allowsOutsideLinks = false
    /// Whether everything is on stable storage before it gets its name; needed where the envelope is to be removed.
    public var isDurable = false
    /// How many bytes must stay free where it is unpacked; an envelope that would use them is refused beforehand.
    public var reserve: Int64 = 0
    /// How much may be written.
    public var limits = EnvelopeLimits()
    /// Told the number of content bytes written so far.
    public var progress = ProgressSink.none

    /// An unpacker that refuses links leading outside, and is bounded by what was signed.
    public init() {}

    /// What was unpacked.
    public struct Report: Sendable {
        /// The paths made directly in the target directory.
        public let paths: [FilePath]
        /// Those of `paths` that a listing does not show, because their names begin with a dot.
        public let hidden: [FilePath]
        /// Those of `paths` that are symbolic links: they may point to what was in the directory before.
        public let links: [FilePath]
        /// The number of content bytes written.
        public let bytes: UInt64
    }

    /// Verifies and unpacks `envelope` into `directory`, which is created where it is missing. Blocks.
    ///
    /// - Throws: `unsafeName`, `badArchive` or `fault` when the envelope is not what it should be; `targetExists` when
    ///   something of the same name is in `directory`. In all cases nothing was changed there.
    public func unpack(_ envelope: EnvelopeFile, into directory: FilePath) throws(EnvelopeError) -> Report {
        let contents = Self.contents(of: envelope.manifest)
        let isTar = envelope.manifest.layout == .tar
        let areParts = envelope.manifest.blocks.contains { $0.contentName != nil }
        // What becomes the name of a file is the content's name; a block's has an ending more. A tar brings its own.
        try BlockName.check(all: envelope.manifest.blocks.map(\.name), boundsLength: !areParts && !isTar)
        if areParts { try BlockName.check(all: contents, boundsLength: !isTar) }
        let size = try boundedSize(of: envelope.manifest)
        let target = try TargetDirectory(directory)
        do throws(EnvelopeError) {
            try requireRoom(for: size, in: target.staging)
            let tree = SafeTree(
                root: target.staging, umask: target.umask, allowsOutsideLinks: allowsOutsideLinks,
                limits: limits)
            let bytes = try write(envelope, into: tree)
            let published = try target.publish(durably: isDurable)
            try tree.close(durably: isDurable)
            let paths = published.map { $0.path }
            return Report(
                paths: paths, hidden: paths.filter { $0.lastComponent?.string.hasPrefix(".") == true },
                links: published.filter { $0.isLink }.map { $0.path }, bytes: bytes)
        } catch {
            target.discard()
            throw error
        }
    }

    /// The distinct contents in order; parts of one content stand together.
    private static func contents(of manifest: Manifest) -> [String] {
        var contents: [String] = []
        for block in manifest.blocks where contents.last?.utf8.elementsEqual(block.content.utf8) != true {
            contents.append(block.content)
        }
        return contents
    }

    private func boundedSize(of manifest: Manifest) throws(EnvelopeError) -> UInt64 {
        guard let size = manifest.decodedSize else { throw .overLimit("the contents add up to more than 64 bits") }
        if let limit = limits.unpackedBytes, size > limit {
            throw .overLimit("the contents have \(size) bytes, and \(limit) are allowed")
        }
        return size
    }

    private func requireRoom(for size: UInt64, in staging: OwnedFile) throws(EnvelopeError) {
        let free = tibet_free_bytes(staging.descriptor)
        guard free >= 0, size > UInt64(max(0, free - reserve)) else { return }
        throw .system(SystemFailure("cannot unpack \(size) bytes where \(free) are free", .noSpace))
    }

    private func write(_ envelope: EnvelopeFile, into tree: SafeTree) throws(EnvelopeError) -> UInt64 {
        guard envelope.manifest.layout == .tar else { return try writeFiles(envelope, into: tree) }
        let reader = TarReader(
            try DecodedBlocks(envelope), size: envelope.manifest.decodedSize ?? 0, limits: limits, progress: progress)
        try ThreadLocale.bytes.run { () throws(EnvelopeError) in try reader.extract(into: tree) }
        try tree.finish()
        return reader.bytesRead
    }

    private func writeFiles(_ envelope: EnvelopeFile, into tree: SafeTree) throws(EnvelopeError) -> UInt64 {
        var blocks = try DecodedBlocks(envelope)
        var current: (name: String, file: OwnedFile)?
        var position: Int64 = 0
        var total: UInt64 = 0
        while let chunk = try blocks.next() {
            let name = chunk.block.content
            if current?.name.utf8.elementsEqual(name.utf8) != true {
                try current?.file.finishContent(of: position)
                current = (name, try tree.createFile(Array(name.utf8), mode: 0o644))
                position = 0
            }
            let (file, offset) = (current?.file, position)
            try EnvelopeError.wrapping { () throws(SystemFailure) in try file?.writeSparsely(chunk.bytes, at: offset) }
            position += Int64(chunk.bytes.count)
            total += UInt64(chunk.bytes.count)
            progress.report(Int64(clamping: total))
        }
        try current?.file.finishContent(of: position)
        return total
    }
}

extension OwnedFile {
    /// Gives a file its length, and starts storing what was written, so that a later sync of the file system finds
    /// little left to do.
    func finishContent(of size: Int64) throws(EnvelopeError) {
        try EnvelopeError.wrapping { () throws(SystemFailure) in try truncate(to: size) }
        _ = tibet_start_writeback(descriptor, 0, 0)
    }
}
