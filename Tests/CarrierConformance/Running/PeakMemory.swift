internal import Glibc

/// How much memory this process came to need since the watch began.
struct PeakMemory {
    private let before: Int64

    /// Forgets what was needed before (`proc(5)`, `clear_refs`).
    init() throws {
        let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw MissingPower("no reading of the peak of memory can be begun") }
        defer { close(descriptor) }
        guard write(descriptor, "5", 1) == 1 else {
            throw MissingPower("no reading of the peak of memory can be begun")
        }
        before = try Self.value(of: "VmRSS:")
    }

    /// The peak since then above what was in use then, in bytes.
    func growth() throws -> Int64 { try Self.value(of: "VmHWM:") - before }

    private static func value(of key: String) throws -> Int64 {
        let descriptor = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw MissingPower("no '/proc/self/status'") }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        let count = read(descriptor, &buffer, buffer.count)
        let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix(key) {
            if let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int64($0) }) {
                return kibibytes << 10
            }
        }
        throw MissingPower("no '\(key)' in '/proc/self/status'")
    }
}
