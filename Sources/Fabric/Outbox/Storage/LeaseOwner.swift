internal import Glibc
internal import SystemPackage

/// Who holds a lease: one attempt in one process, named so that any other process can tell whether it still lives.
///
/// A process id alone would not do, because ids come round again; with the moment at which the process started and the
/// id of the boot it is one of a kind. A process in another namespace of ids cannot be looked up, and is only known by
/// its lease running out.
struct LeaseOwner: Hashable, Sendable {
    let boot: String
    let namespace: String
    let process: Int32
    let start: String
    let token: String

    /// A fresh attempt in this process.
    static func fresh() -> LeaseOwner {
        LeaseOwner(
            boot: currentBoot, namespace: currentNamespace, process: getpid(), start: startTime(of: getpid()) ?? "",
            token: String(StagingName.fresh().dropFirst().dropLast(5)))
    }

    init(boot: String, namespace: String, process: Int32, start: String, token: String) {
        self.boot = boot
        self.namespace = namespace
        self.process = process
        self.start = start
        self.token = token
    }

    /// The owner that `text` names; nil when it names none.
    init?(_ text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, let process = Int32(parts[2]) else { return nil }
        self.init(boot: parts[0], namespace: parts[1], process: process, start: parts[3], token: parts[4])
    }

    /// What the index holds.
    var text: String { "\(boot) \(namespace) \(process) \(start) \(token)" }

    /// Whether the process has certainly ended.
    var isDead: Bool {
        guard boot == Self.currentBoot else { return true }
        guard namespace == Self.currentNamespace else { return false }
        return Self.startTime(of: process) != start
    }

    private static let currentBoot = line("/proc/sys/kernel/random/boot_id") ?? ""

    /// A number that is another one after each start of the machine.
    static let currentBootNumber = Digest(of: Array(currentBoot.utf8)).bytes.prefix(7).reduce(Int64(0)) {
        $0 << 8 | Int64($1)
    }

    private static let currentNamespace: String = {
        var status = stat()
        return stat("/proc/self/ns/pid", &status) == 0 ? String(status.st_ino) : ""
    }()

    /// When the process started, in ticks since the machine did; nil when there is none, or only its remains.
    static func startTime(of process: Int32) -> String? {
        guard let line = line("/proc/\(process)/stat"), let end = line.lastIndex(of: ")") else { return nil }
        // After the name, which may hold anything: the state is the 3rd field and the start time the 22nd (proc(5)).
        let fields = line[line.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return String(fields[19])
    }

    private static func line(_ path: String) -> String? {
        guard let file = try? OwnedFile(path: FilePath(path), flags: O_RDONLY),
            let bytes = try? file.bytes(atMost: 4096)
        else { return nil }
        return String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
    }
}
