import Testing

@testable import Fabric

@Suite("Surface hashes")
struct SurfaceHashTests {
    private struct Vectors: Decodable {
        let rows: [Row]

        enum CodingKeys: String, CodingKey {
            case rows = "surface_hash"
        }
    }

    private struct Row: Decodable {
        let filename: String
        let manifest: SurfaceVectors.Fields?
        let json: String
        let hash: String

        enum CodingKeys: String, CodingKey {
            case filename
            case manifest = "manifest_surface"
            case json = "canonical_json"
            case hash = "surface_hash"
        }
    }

    @Test func everyVectorHashesAsThePeers() throws {
        let rows = try VectorFile(name: "causal.json").decode(Vectors.self).rows
        #expect(rows.count == 8)
        for row in rows {
            #expect(SurfaceHash.hashedText(fileName: row.filename, manifest: row.manifest?.manifest) == row.json)
            let digest = SurfaceHash.digest(fileName: row.filename, manifest: row.manifest?.manifest)
            #expect(digest.description == row.hash)
        }
    }

    @Test func escapesAreThoseOfTheSpecification() {
        let text = "\u{8}\u{c}\r\t\u{1}\u{1f}\u{7f}\u{80}/ ~\u{10ffff}"
        let expected = #""\b\f\r\t\u0001\u001f\u007f\u0080/ ~\udbff\udfff""#
        #expect(EscapedJSON.quote(text) == expected)
    }
}
