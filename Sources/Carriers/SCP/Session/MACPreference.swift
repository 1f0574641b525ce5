internal import CSSH2
internal import Glibc

/// Which of the codes that protect a connection's bytes to ask for first. libssh2 1.10 has no cipher that protects them by
/// itself.
enum MACPreference {
    /// The names, as libssh2 wants them. HMAC-SHA-256 is three times as fast as HMAC-SHA-512 where the processor has
    /// instructions for it, and slower by half where it has not.
    static let names: String = {
        let names = ["hmac-sha2-256", "hmac-sha2-512"]
        return (hasInstructions ? names : names.reversed()).joined(separator: ",")
    }()

    private static let hasInstructions: Bool = {
        let number = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return true }
        let owner = Descriptor(number)
        // The first processor is within the first page.
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(owner.number, &buffer, buffer.count)
        let words = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return words.contains("sha_ni") || words.contains("sha2")
    }()
}
