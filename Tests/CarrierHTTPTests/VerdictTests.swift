import Fabric
import HTTPClient
import Testing

@testable import CarrierHTTP

@Suite struct AnswerVerdictTests {
    private func error(_ status: Int, _ body: String = "", _ headers: [(String, String)] = []) -> CarrierError {
        let answer = Answer(status: status, headers: headers.map { ($0.0, $0.1) }, body: Array(body.utf8))
        return AnswerVerdict.error(answer, for: Route(scheme: "http", address: "http://h"))
    }

    @Test func everyStatusHasAnError() {
        for status in 0..<700 {
            let error = error(status)
            #expect(error.kind != .cancelled)
            #expect(error.explanation.contains("status \(status)"))
        }
    }

    @Test func theImportantOnesMeanWhatTheyShould() {
        #expect(error(401).kind == .refused)
        #expect(error(401).action == .waitForPerson)
        #expect(error(403).kind == .refused)
        #expect(error(404).kind == .misconfigured)
        #expect(error(408).kind == .stalled)
        #expect(error(413, #"{"error":"too-large","reason":"r","limit":7}"#).kind == .tooLarge(limit: 7))
        #expect(error(413).kind == .tooLarge(limit: nil))
        #expect(error(429, "", [("retry-after", "7")]).action == .retry(after: .seconds(7)))
        #expect(error(503, "", [("retry-after", "soon")]).action == .retry(after: nil))
        #expect(error(500).action == .retry(after: nil))
        #expect(error(507).kind == .full)
        #expect(error(400, #"{"error":"digest-mismatch","reason":"r"}"#).kind == .corrupted)
        #expect(error(302, "", [("location", "http://elsewhere/")]).explanation.contains("http://elsewhere/"))
    }

    @Test func theReasonIsToldOnOneLine() {
        let told = error(400, #"{"error":"x","reason":"because\nof this"}"#).explanation
        #expect(told.contains(#"because\nof this"#) && !told.contains("\n"))
        #expect(!error(400, "<html>", []).explanation.contains("<html>"))
    }
}
