internal import Glibc

/// What this machine calls itself.
public enum HostName {
    /// The host name; `localhost` where the machine has none.
    public static var current: String {
        var buffer = [CChar](repeating: 0, count: 256)
        // The last byte stays zero, whatever the call does with a name that is too long.
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return bytes.isEmpty ? "localhost" : String(decoding: bytes, as: UTF8.self)
    }
}
