/// Asking again and again, where nothing tells when something has happened.
public enum Repeated {
    /// Asks ten times a second until the answer is yes; says whether it ever was.
    public static func until(within limit: Duration, _ condition: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<Int(limit / .milliseconds(100)) {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(100))
        }
        return try await condition()
    }
}
