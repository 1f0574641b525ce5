internal import Fabric
internal import HTTPTypes

/// The OpenAPI document, made of the endpoints themselves.
enum OpenAPI {
    /// The document for a hub of that version.
    static func document(of endpoints: [Endpoint], version: String) -> JSONObject {
        var paths = JSONObject()
        for endpoint in endpoints {
            var item = paths[endpoint.path]?.object ?? JSONObject()
            item[endpoint.method.rawValue.lowercased()] = operation(endpoint)
            paths[endpoint.path] = .object(item)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "TIBET hub", "version": .text(version),
                "description":
                    "Mailboxes for agents that no one can reach: mux channels, I-Poll messages, and the AINS registry.",
            ],
            "paths": .object(paths),
            "components": [
                "schemas": ["Error": errorSchema, "Invalid": invalidSchema],
                "securitySchemes": [
                    "AInternet": [
                        "type": "apiKey", "in": "header", "name": "X-AInternet-Signature",
                        "description":
                            "Ed25519 over method, host, target, SHA-256 of the body, time and nonce, with X-AInternet-Domain, X-AInternet-Timestamp and X-AInternet-Nonce.",
                    ],
                    "TIBETSig": [
                        "type": "apiKey", "in": "header", "name": "Authorization",
                        "description": "TIBET-SIG-V1: Ed25519 over the SHA-256 of the body and the time.",
                    ],
                ],
            ],
            "security": [["AInternet": []], ["TIBETSig": []], [:]],
        ]
    }

    private static func operation(_ endpoint: Endpoint) -> JSONValue {
        var parameters: [JSONValue] = endpoint.pattern.filter { $0.hasPrefix("{") }.map { part in
            parameter(.required(String(part.dropFirst().dropLast())), "path")
        }
        parameters += endpoint.query.map { parameter($0, "query") }
        parameters += endpoint.headers.map { parameter($0, "header") }
        let tag = endpoint.pattern.first == "api" ? String(endpoint.pattern[1]) : "operation"
        var operation: JSONObject = [
            "operationId": .text(name(endpoint)), "summary": .text(endpoint.summary), "tags": [.text(tag)],
            "x-tibet-addition": .bool(!endpoint.isPeers),
        ]
        if !parameters.isEmpty { operation["parameters"] = .list(parameters) }
        switch endpoint.body {
        case .none: break
        case .json(let fields):
            operation["requestBody"] = [
                "required": .bool(fields.contains(where: \.isRequired)),
                "content": ["application/json": ["schema": schema(fields)]],
            ]
        case .bytes:
            operation["requestBody"] = [
                "required": true,
                "content": ["application/octet-stream": ["schema": ["type": "string", "format": "binary"]]],
            ]
        }
        var content = JSONObject()
        content[endpoint.answerType] =
            endpoint.answerType == "application/json" ? ["schema": ["type": "object"]] : [:]
        var responses = JSONObject()
        responses[String(endpoint.status)] = ["description": "Done.", "content": .object(content)]
        responses["422"] = failure("The request does not have the form that it should.", "Invalid")
        responses["default"] = failure("It was not done.", "Error")
        operation["responses"] = .object(responses)
        return .object(operation)
    }

    /// A name of its own for every operation.
    private static func name(_ endpoint: Endpoint) -> String {
        let words = endpoint.path.split { "/{}-.".contains($0) }
        return ([endpoint.method.rawValue.lowercased()] + words.map(String.init)).joined(separator: "_")
    }

    private static func parameter(_ field: Endpoint.Field, _ place: String) -> JSONValue {
        var object: JSONObject = [
            "name": .text(field.name), "in": .text(place), "required": .bool(field.isRequired),
            "schema": type(field.type),
        ]
        if !field.summary.isEmpty { object["description"] = .text(field.summary) }
        return .object(object)
    }

    private static func schema(_ fields: [Endpoint.Field]) -> JSONValue {
        var properties = JSONObject()
        for field in fields {
            var object = type(field.type).object ?? JSONObject()
            if !field.summary.isEmpty { object["description"] = .text(field.summary) }
            properties[field.name] = .object(object)
        }
        return [
            "type": "object", "properties": .object(properties),
            "required": .texts(fields.filter(\.isRequired).map(\.name)),
        ]
    }

    private static func type(_ name: String) -> JSONValue {
        switch name {
        case "any": [:]
        case "texts": ["type": "array", "items": ["type": "string"]]
        default: ["type": .text(name)]
        }
    }

    private static func failure(_ description: String, _ schema: String) -> JSONValue {
        [
            "description": .text(description),
            "content": ["application/json": ["schema": ["$ref": .text("#/components/schemas/" + schema)]]],
        ]
    }

    private static let errorSchema: JSONValue = [
        "type": "object",
        "properties": [
            "detail": ["type": "string", "description": "What is wrong, for people."],
            "code": ["type": "string", "description": "What is wrong, for programs."],
        ],
        "required": ["detail"],
    ]

    private static let invalidSchema: JSONValue = [
        "type": "object",
        "properties": [
            "detail": [
                "type": "array",
                "items": [
                    "type": "object",
                    "properties": [
                        "type": ["type": "string"], "loc": ["type": "array"], "msg": ["type": "string"], "input": [:],
                        "ctx": ["type": "object"],
                    ],
                    "required": ["type", "loc", "msg"],
                ],
            ]
        ],
        "required": ["detail"],
    ]
}
