internal import Fabric
internal import Glibc
internal import SystemPackage

/// A lane in a directory of its own, which goes with the value.
final class ScratchLane: Sendable {
    let lane: Lane

    init() throws {
        lane = try Lane(existing: Directories.createUnique("carrier-suite-"))
    }

    deinit {
        for name in names() { unlink(lane.directory.string + "/" + name) }
        rmdir(lane.directory.string)
    }

    /// Everything in it, hidden things included.
    func names() -> [String] {
        guard let stream = opendir(lane.directory.string) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
