internal import Fabric
internal import FoundationEssentials
internal import SystemPackage

/// A directory for the time of one command, beside the outbox so that files can be linked into it where they can into the
/// outbox. It goes with the command, also when that is interrupted.
struct Scratch: Sendable {
    let directory: FilePath

    /// Makes the directory. Blocks.
    init() throws {
        let state = try HostDirectories.current().state()
        _ = try Lane(directory: state)
        directory = try Directories.createUnique(".tcd-parcel-", in: state)
        Interruption.remove(directory.string)
    }

    /// Removes it.
    func remove() {
        try? FileManager.default.removeItem(atPath: directory.string)
        Interruption.remove(nil)
    }
}
