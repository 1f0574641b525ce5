internal import CSSH2
internal import Fabric
internal import Glibc
internal import SystemPackage

/// A program that this carrier starts: `ssh -G`, or what stands between it and a host. It has a process group of its own,
/// which is killed and reaped when nothing refers to it any more.
///
/// @unchecked: the id is fixed, and `status` is used by one thread at a time, that of the connection.
final class ChildProcess: @unchecked Sendable {
    private let id: pid_t
    private var isReaped = false

    /// Starts `arguments[0]`, found by `PATH`, with the given descriptors as its standard streams; -1 for nothing.
    ///
    /// - Throws: Why it cannot be started; the reason is "no such file" when there is no such program.
    init(_ arguments: [String], input: Int32 = -1, output: Int32 = -1, errors: Int32 = -1) throws(SystemFailure) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, target) in [(input, Int32(0)), (output, 1), (errors, 2)] {
            if descriptor >= 0 {
                posix_spawn_file_actions_adddup2(&actions, descriptor, target)
            } else {
                posix_spawn_file_actions_addopen(&actions, target, "/dev/null", target == 0 ? O_RDONLY : O_WRONLY, 0)
            }
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        Self.isolate(&attributes)
        let texts = arguments.map { strdup($0) }
        defer { for text in texts { free(text) } }
        var started = pid_t()
        let result = posix_spawnp(&started, arguments[0], &actions, &attributes, texts + [nil], environ)
        guard result == 0 else { throw SystemFailure("cannot run '\(arguments[0])'", Errno(rawValue: result)) }
        id = started
    }

    deinit { end() }

    /// A group of its own, and the signals as a program expects them, whatever this one does with its own.
    private static func isolate(_ attributes: inout posix_spawnattr_t) {
        var none = sigset_t()
        sigemptyset(&none)
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &pipe)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    /// Waits until it has ended. Its exit code; nil when a signal ended it.
    func wait() -> Int32? {
        var status: Int32 = 0
        guard !isReaped else { return nil }
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        isReaped = true
        return status & 0x7f == 0 ? (status >> 8) & 0xff : nil
    }

    /// Ends it, and all that it started, at once.
    func end() {
        guard !isReaped else { return }
        kill(-id, SIGKILL)
        _ = wait()
    }
}
