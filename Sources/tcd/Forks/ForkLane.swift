internal import Dispatch
internal import Fabric
internal import FoundationEssentials
internal import Glibc
internal import SystemPackage
internal import Triage

/// Forks that come as envelopes into a directory, whoever puts them there. Several listeners may watch one: an envelope
/// is with the one that holds the lock on its file, and free again when that one dies.
struct ForkLane: Sendable {
    private let directory: FilePath
    private let ledger: TransferLedger

    /// The envelopes in `directory` of which `ledger` knows nothing.
    init(_ directory: FilePath, ledger: TransferLedger) throws {
        _ = try Lane(directory: directory)
        self.directory = directory
        self.ledger = ledger
    }

    /// An envelope as it lies there, so that another one of its name is told from it.
    struct Sight: Hashable, Sendable {
        let name: String
        let node: UInt
        let size: Int64
    }

    /// Offers each envelope once, until the task is cancelled.
    ///
    /// - Parameter offer: Told each; says whether the envelope is to be offered again.
    func run(_ offer: (OfferedFork) async -> ForkDesk.Outcome) async throws {
        let (bell, ring) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let watch = try DirectoryWatch(directory) { ring.yield() }
        defer { watch.end() }
        var done: Set<Sight> = []
        for await _ in bell {
            let (directory, ledger) = (directory, ledger)
            let known = done
            let found = (try? await Blocking.run { try Self.scan(directory, ledger, without: known) }) ?? []
            for (sight, path) in found {
                if Task.isCancelled { return }
                guard let claim = Self.claim(path) else { continue }
                let outcome = await offer(
                    OfferedFork(form: .envelope(path, requestedName: sight.name)) { _ in })
                withExtendedLifetime(claim) {}
                if outcome != .postponed { done.insert(sight) }
            }
        }
    }

    /// The lock on an envelope's file; nil while another has it.
    private static func claim(_ path: FilePath) -> FileClaim? {
        let file = open(path.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return nil }
        let claim = FileClaim(file)
        return flock(file, LOCK_EX | LOCK_NB) == 0 ? claim : nil
    }

    private static func scan(
        _ directory: FilePath, _ ledger: TransferLedger, without done: Set<Sight>
    ) throws -> [(Sight, FilePath)] {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.string).sorted()
        return names.filter { $0.hasSuffix(".tza") && !$0.hasPrefix(".") }.compactMap { name in
            let path = directory.appending(name)
            var status = stat()
            guard lstat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            let sight = Sight(name: name, node: UInt(status.st_ino), size: Int64(status.st_size))
            // The transfer id alone tells whether it came before, so that not every file is hashed at each look.
            guard !done.contains(sight) else { return nil }
            if let envelope = try? EnvelopeFile(path: path), (try? ledger.knows(envelope.manifest)) == true {
                return nil
            }
            return (sight, path)
        }
    }
}

/// Calls somebody when something comes into a directory, at the beginning, and every few seconds, since the end of another
/// process rings no bell.
private struct DirectoryWatch {
    private let source: any DispatchSourceRead
    private let timer: any DispatchSourceTimer

    init(_ directory: FilePath, _ ring: @escaping @Sendable () -> Void) throws {
        let events = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard events >= 0 else { throw SystemFailure("cannot watch '\(directory)'", Errno(rawValue: errno)) }
        guard inotify_add_watch(events, directory.string, UInt32(IN_MOVED_TO | IN_CLOSE_WRITE)) >= 0 else {
            let reason = Errno(rawValue: errno)
            close(events)
            throw SystemFailure("cannot watch '\(directory)'", reason)
        }
        let queue = DispatchQueue(label: "tcd.forks.lane")
        source = DispatchSource.makeReadSource(fileDescriptor: events, queue: queue)
        source.setEventHandler {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while read(events, &buffer, buffer.count) > 0 {}
            ring()
        }
        source.setCancelHandler { close(events) }
        timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(deadline: .now(), repeating: .seconds(3))
        timer.setEventHandler(handler: ring)
        source.activate()
        timer.activate()
    }

    /// Rings no more.
    func end() {
        source.cancel()
        timer.cancel()
    }
}
