import Foundation
import ProgramRunner

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// `GET /health`.
enum Health {
    /// Returns when the inbox at `url` answers.
    static func wait(for url: String) async throws {
        guard let health = URL(string: url + "/health") else { throw URLError(.badURL) }
        let answered = try await Repeated.until(within: .seconds(20)) {
            guard let (_, response) = try? await URLSession.shared.data(from: health) else { return false }
            return (response as? HTTPURLResponse)?.statusCode == 200
        }
        guard answered else { throw URLError(.cannotConnectToHost) }
    }
}
