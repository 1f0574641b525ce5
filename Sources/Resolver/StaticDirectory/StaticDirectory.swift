internal import Fabric
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// The files of routes of this host, in the order in which they are asked. A file is parsed anew when it has changed.
final class StaticDirectory: Sendable {
    private let places: [ResolverConfiguration.RoutesPlace]
    private let parsed = Mutex<[FilePath: (stamp: Stamp, file: RoutesFile)]>([:])

    init(places: [ResolverConfiguration.RoutesPlace]) { self.places = places }

    /// What the first file that knows the name says.
    struct Finding: Sendable {
        let path: FilePath
        let entry: RoutesEntry
    }

    /// Asks the files one after the other. Blocks.
    ///
    /// - Returns: The first answer, and the files that were read.
    func look(_ form: TargetForm) throws(RoutesFileError) -> (finding: Finding?, asked: [FilePath]) {
        var asked: [FilePath] = []
        for place in places {
            guard let file = try file(at: place) else { continue }
            asked.append(place.path)
            if let entry = file.entry(for: form) { return (Finding(path: place.path, entry: entry), asked) }
        }
        return (nil, asked)
    }

    private func file(at place: ResolverConfiguration.RoutesPlace) throws(RoutesFileError) -> RoutesFile? {
        let stamp = Stamp(place.path)
        if let stamp, let known = parsed.withLock({ $0[place.path] }), known.stamp == stamp { return known.file }
        guard let file = try Self.read(place) else { return nil }
        // The stamp is older than the text, so that a change in between is seen the next time.
        if let stamp { parsed.withLock { $0[place.path] = (stamp, file) } }
        return file
    }

    private static func read(_ place: ResolverConfiguration.RoutesPlace) throws(RoutesFileError) -> RoutesFile? {
        let bytes: [UInt8]?
        do throws(SystemFailure) {
            bytes = try ReplaceableFile.read(place.path, atMost: RoutesFile.sizeLimit)
        } catch {
            throw RoutesFileError(place.path, error.explanation)
        }
        guard let bytes else {
            guard place.isRequired else { return nil }
            throw RoutesFileError(place.path, "there is no such file")
        }
        guard bytes.count < RoutesFile.sizeLimit else {
            throw RoutesFileError(place.path, "it has \(RoutesFile.sizeLimit) bytes or more")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RoutesFileError(place.path, "it is not UTF-8")
        }
        return try RoutesFile(parsing: text, path: place.path)
    }

    /// What changes when a file does.
    private struct Stamp: Equatable {
        let device: UInt64
        let inode: UInt64
        let size: Int64
        let seconds: Int
        let nanoseconds: Int

        init?(_ path: FilePath) {
            var info = stat()
            guard stat(path.string, &info) == 0 else { return nil }
            (device, inode, size) = (UInt64(info.st_dev), UInt64(info.st_ino), Int64(info.st_size))
            (seconds, nanoseconds) = (info.st_mtim.tv_sec, info.st_mtim.tv_nsec)
        }
    }
}
